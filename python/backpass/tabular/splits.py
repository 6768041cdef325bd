"""Random rows for training, validation and test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Rows = NDArray[np.int64]


def split_rows(
    rows: int, shares: Mapping[str, float], seed: int, classes: NDArray[Any] | None = None
) -> dict[str, Rows]:
    """Split rows at random into parts. The same seed gives the same parts.

    Parameters
    ----------
    rows : int
        Number of rows.
    shares : mapping of str to float
        Fraction of the rows for each named part. ``train`` gets the other rows.
    seed : int
    classes : array of int, optional
        (rows,). Each part then has the same share of every class, as far as whole rows allow.

    Returns
    -------
    dict of str to array of int
        Row numbers, in ascending order, of every part and of ``train``. Every row is in exactly
        one of these.

    Raises
    ------
    ValueError
        If a share is outside [0, 1), or if ``train`` or a part with a share above 0 has no rows.
    """
    order = _order(rows, seed, classes)
    parts: dict[str, Rows] = {}
    for name, share in shares.items():
        if not 0.0 <= share < 1.0:
            raise ValueError(f"the share of {name} rows must be in [0, 1), got {share}")
        count = round(rows * share)
        if share and not count:
            raise ValueError(f"{rows} rows are too few to put a share of {share} into {name}")
        if count >= len(order):
            raise ValueError(f"the shares {dict(shares)} leave no row of {rows} to train on")
        # `order` has the classes one after another, so equal distances give equal shares.
        chosen = ((np.arange(count) + 0.5) * len(order) / max(count, 1)).astype(np.int64)
        parts[name] = np.sort(order[chosen])
        order = np.delete(order, chosen)
    if not len(order):
        raise ValueError("there are no rows to train on")
    parts["train"] = np.sort(order)
    return parts


def folds(
    rows: int, number: int, seed: int, classes: NDArray[Any] | None = None
) -> Iterator[tuple[Rows, Rows]]:
    """Yield the rows to train on and to test on for each fold of a cross-validation.

    Raises
    ------
    ValueError
        If there are fewer than 2 folds, or fewer rows than folds.
    """
    if not 2 <= number <= rows:
        raise ValueError(f"{number} folds of {rows} rows are not possible")
    order = _order(rows, seed, classes)
    for fold in range(number):
        test = np.zeros(rows, dtype=bool)
        test[order[fold::number]] = True
        yield np.flatnonzero(~test), np.flatnonzero(test)


def _order(rows: int, seed: int, classes: NDArray[Any] | None) -> Rows:
    """Return the rows in random order and, with classes, the classes one after another."""
    order = np.random.default_rng(seed).permutation(rows)
    return order if classes is None else order[np.argsort(classes[order], kind="stable")]
