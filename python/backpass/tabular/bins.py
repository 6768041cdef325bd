"""The piecewise-linear encoding of numbers (Gorishniy et al. 2022, arXiv 2203.05556).

The edges b_0 < … < b_T of T bins are quantiles of the rows for training. The encoding of x has T
inputs: input t is (x − b_{t−1}) / (b_t − b_{t−1}), clipped to [0, 1]. So the bins below x have 1,
the bins above x have 0, and a linear function of the inputs is a piecewise-linear function of x.
The paper does not clip the first and the last bin at the outer edges. Here, a value outside the
range of the rows for training counts as the nearest value inside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def find_edges(values: NDArray[np.float64], bins: int, unit: float) -> NDArray[np.float64]:
    """Return the edges of at most `bins` bins with equal numbers of values, times `unit`.

    An edge is a value. Equal quantiles are one edge. A single bin says no more than the number
    itself: there are then no edges.

    Parameters
    ----------
    values : array
        (rows,), finite, at least one.

    Returns
    -------
    array
        (bins + 1,) or fewer numbers, in ascending order.
    """
    if bins < 2:
        return np.empty(0)
    shares = np.linspace(0.0, 1.0, bins + 1)
    edges: NDArray[np.float64] = np.quantile(values, shares, method="nearest") * unit
    with np.errstate(over="ignore"):  # an infinite width is wide enough
        edges = edges[np.append(True, np.diff(edges) > 0.0)]
    return edges if len(edges) > 2 else np.empty(0)


def piecewise_linear(
    values: NDArray[np.float64], edges: Sequence[float], out: NDArray[Any]
) -> None:
    """Write the encoding of finite values to `out`, (rows, edges − 1)."""
    b = np.asarray(edges)
    inside = np.clip(values, b[0], b[-1])
    # The last edge that is not above the value is the lower edge of its bin.
    bin_ = np.minimum(np.searchsorted(b, inside, side="right"), len(b) - 1) - 1
    low, high = b[bin_], b[bin_ + 1]
    with np.errstate(over="ignore"):
        width = high - low
        share = (inside - low) / width
        wide = np.isinf(width)
        share[wide] = (inside[wide] / 2 - low[wide] / 2) / (high[wide] / 2 - low[wide] / 2)
    columns = np.arange(len(b) - 1)
    out[:] = columns < bin_[:, np.newaxis]
    out[np.arange(len(values)), bin_] = share


def check_edges(edges: Sequence[float]) -> None:
    """Raise ValueError unless the edges are none, or at least three in ascending order."""
    if not edges:
        return
    with np.errstate(over="ignore"):
        ascending = bool((np.diff(edges) > 0.0).all())
    if len(edges) < 3 or not ascending:
        raise ValueError("at least three edges of bins in ascending order are expected")
