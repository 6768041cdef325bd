"""Scales: from the numbers of a column to inputs of a network.

`Scale` standardises a number. `RobustScale` is the encoding of the preset "tabular": a scaled
number between −3 and 3 and, beside it, a piecewise-linear encoding. Both are stored as numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from backpass.tabular.bins import check_edges, find_edges, piecewise_linear

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LARGEST = 1e30  # float32 has such values


@dataclass(frozen=True)
class Scale:
    """(x − mean) / scale, with the median in place of a missing value.

    Attributes
    ----------
    median, mean, scale : float
        Of the rows for training.
    """

    median: float
    mean: float
    scale: float

    @classmethod
    def fit(cls, values: NDArray[np.float64]) -> Scale:
        """Learn from values; NaN is a missing value. A constant gets a scale of 1."""
        known, peak = _known(values)
        if not len(known):
            return cls(0.0, 0.0, 1.0)
        median, mean, deviation = float(np.median(known)), float(known.mean()), float(known.std())
        # The computed deviation of a constant may be a rounding error instead of zero.
        noise = 8 * np.finfo(np.float64).eps * math.sqrt(known.size)
        return cls(median * peak, mean * peak, deviation * peak if deviation > noise else 1.0)

    @property
    def width(self) -> int:
        """The number of inputs."""
        return 1

    def names(self, name: str) -> list[str]:
        """Return the meaning of each input, for a number of this name."""
        return [name]

    def write(self, values: NDArray[np.float64], out: NDArray[Any]) -> None:
        """Write the inputs of values to `out`, (rows, inputs)."""
        out[:, 0] = self.encode(values)

    def encode(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the scaled values."""
        filled = np.where(np.isfinite(values), values, self.median)
        return _scaled(filled, self.mean, self.scale)

    def decode(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Undo `encode`."""
        with np.errstate(over="ignore"):
            return values * self.scale + self.mean

    def formulas(self) -> list[str]:
        """Return how to compute each input from x."""
        return [f"(x - {self.mean!r}) / {self.scale!r}; x = {self.median!r} if missing"]

    def to_json(self) -> list[float]:
        """Return the data for `scale_from_json`."""
        return [self.median, self.mean, self.scale]


@dataclass(frozen=True)
class RobustScale:
    """t / √(1 + (t/3)²) with t = (x − median) / scale, and the piecewise-linear encoding of x.

    A missing value counts as the median. The scale is the interquartile range, or half the range if
    the quartiles are equal. The result is between −3 and 3, so that an extreme value has the
    influence of a large one (RealMLP, Holzmüller et al. 2024, arXiv 2407.04491). `bins` has the
    piecewise-linear encoding.

    Attributes
    ----------
    median, scale : float
        Of the rows for training. The scale of a constant is 0: its input is 0 for every value.
    edges : tuple of float
        Of the bins, in ascending order; empty without bins.
    """

    median: float
    scale: float
    edges: tuple[float, ...] = ()

    @classmethod
    def fit(cls, values: NDArray[np.float64], bins: int = 0) -> RobustScale:
        """Learn from values; NaN is a missing value.

        Parameters
        ----------
        values : array
            (rows,).
        bins : int
            The largest number of bins.
        """
        known, peak = _known(values)
        if not len(known):
            return cls(0.0, 0.0)
        low, first, median, third, high = np.quantile(known, [0.0, 0.25, 0.5, 0.75, 1.0])
        scale = third - first if third > first else 0.5 * (high - low)
        largest = float(np.finfo(np.float64).max)
        return cls(
            float(median * peak),
            min(float(scale) * peak, largest),
            tuple(find_edges(known, bins, peak).tolist()),
        )

    @property
    def width(self) -> int:
        """The number of inputs: the scaled number, and one per bin."""
        return max(1, len(self.edges))

    def names(self, name: str) -> list[str]:
        """Return the meaning of each input, for a number of this name."""
        pairs = zip(self.edges[:-1], self.edges[1:], strict=True)
        return [name, *(f"{name} in {low:.6g} to {high:.6g}" for low, high in pairs)]

    def write(self, values: NDArray[np.float64], out: NDArray[Any]) -> None:
        """Write the inputs of values to `out`, (rows, inputs)."""
        filled = np.where(np.isfinite(values), values, self.median)
        if self.scale == 0.0:
            out[:, 0] = 0.0
        else:
            t = _scaled(filled, self.median, self.scale)
            out[:, 0] = t / np.hypot(1.0, t / 3.0)  # hypot does not overflow
        if self.edges:
            piecewise_linear(filled, self.edges, out[:, 1:])

    def formulas(self) -> list[str]:
        """Return how to compute each input from x."""
        missing = f"x = {self.median!r} if missing"
        t = f"t = (x - {self.median!r}) / {self.scale!r}"
        smooth = f"t / sqrt(1 + (t / 3)^2), {t}" if self.scale else "0"
        pairs = zip(self.edges[:-1], self.edges[1:], strict=True)
        bins = [f"(x - {low!r}) / ({high!r} - {low!r}) clipped to 0 .. 1" for low, high in pairs]
        return [f"{how}; {missing}" for how in (smooth, *bins)]

    def to_json(self) -> dict[str, Any]:
        """Return the data for `scale_from_json`."""
        return {"median": self.median, "scale": self.scale, "edges": list(self.edges)}


AnyScale = Scale | RobustScale


def scale_from_json(data: Any) -> Scale:
    """Return a scale from its `to_json`; raise ValueError if the data are not three numbers."""
    numbers = _numbers(data)
    if len(numbers) != 3 or not numbers[2] > 0:
        raise ValueError("a median, a mean and a scale above 0 are expected")
    return Scale(*numbers)


def input_scale_from_json(data: Any) -> AnyScale:
    """Return a scale of inputs from its `to_json`; raise ValueError for other data."""
    if not isinstance(data, dict):
        return scale_from_json(data)
    median, scale = _numbers([data["median"], data["scale"]])
    if not scale >= 0:
        raise ValueError("a median and a scale of at least 0 are expected")
    edges = tuple(_numbers(data["edges"]))
    check_edges(edges)
    return RobustScale(median, scale, edges)


def _numbers(data: Any) -> list[float]:
    """Return finite numbers; raise TypeError or ValueError for other data."""
    numbers = [float(number) for number in data if not isinstance(number, (str, bool))]
    if len(numbers) != len(data) or not all(map(math.isfinite, numbers)):
        raise ValueError("finite numbers are expected")
    return numbers


def _known(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Return the finite values divided by a power of two, and this power.

    The division is exact. Sums, squares and differences of the results neither overflow nor
    underflow.
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return known, 1.0
    peak = math.ldexp(1.0, math.frexp(float(np.abs(known).max()))[1] - 1)
    return known / peak, peak


def _scaled(values: NDArray[np.float64], center: float, scale: float) -> NDArray[np.float64]:
    """Return (values − center) / scale within ±1e30."""
    with np.errstate(over="ignore", invalid="ignore"):  # far outside the training's values
        difference = values - center
        result: NDArray[np.float64] = difference / scale
        large = np.isinf(difference)
        result[large] = values[large] / scale - center / scale
    return np.clip(result, -_LARGEST, _LARGEST, out=result)
