"""The arithmetic of the report: ratios, ranks, wins and times over sets and seeds.

Every set has the same weight: a mean over the seeds of a set comes first, then that over sets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from results import Result

Pair = tuple[str, int]  # set, seed


@dataclass(frozen=True)
class Summary:
    """One method beside the others, on the pairs that all of them have, and on its own pairs."""

    method: str
    ratio: float  # geometric mean of error / error of the reference
    rank: float  # mean rank, 1 is the best
    wins: int  # pairs in which no method has a smaller error
    fit_cpu: float  # geometric mean of the seconds
    pairs: int  # with a result of this method
    own_ratio: float  # as ratio, on all pairs that this method and the reference have


def floored(result: Result, classification: bool) -> float:
    """Return the error, and half an error instead of none: a ratio needs a positive number."""
    assert result.error is not None
    assert result.test_rows is not None
    return max(result.error, 0.5 / result.test_rows) if classification else result.error


def over_sets(values: Mapping[Pair, float]) -> float:
    """Return the mean over sets of the means over seeds."""
    names = dict.fromkeys(name for name, _ in values)
    means = [np.mean([v for (name, _), v in values.items() if name == each]) for each in names]
    return float(np.mean(means)) if means else float("nan")


def ranks(errors: Sequence[float]) -> list[float]:
    """Return the ranks from 1. Equal errors share the mean of their ranks."""
    return [
        sum(other < one for other in errors) + (sum(other == one for other in errors) + 1) / 2
        for one in errors
    ]


class Comparison:
    """The results of several methods on the sets of one half."""

    def __init__(
        self, results: Sequence[Result], methods: Sequence[str], classification: Mapping[str, bool]
    ) -> None:
        """Keep the results of these methods on the sets that are keys of `classification`."""
        self.methods = list(methods)
        self.errors: dict[str, dict[Pair, float]] = {method: {} for method in methods}
        self.fit_cpu: dict[str, dict[Pair, float]] = {method: {} for method in methods}
        self.failures: list[Result] = []
        for result in results:
            if result.set not in classification or result.method not in self.errors:
                continue
            if result.failure:
                self.failures.append(result)
                continue
            assert result.fit_cpu is not None
            pair = (result.set, result.seed)
            error = floored(result, classification[result.set])
            self.errors[result.method][pair] = error
            self.fit_cpu[result.method][pair] = result.fit_cpu
        self.names = list(classification)
        there = sorted({pair for errors in self.errors.values() for pair in errors})
        self.common = [p for p in there if all(p in errors for errors in self.errors.values())]
        self.missing = {
            pair: [method for method in methods if pair not in self.errors[method]]
            for pair in there
            if pair not in self.common
        }

    def ratio(self, method: str, reference: str, pairs: Sequence[Pair]) -> float:
        """Return the geometric mean of error / error of the reference."""
        one, other = self.errors[method], self.errors[reference]
        return float(np.exp(over_sets({p: np.log(one[p] / other[p]) for p in pairs})))

    def summaries(self, reference: str) -> list[Summary]:
        """Return one summary per method, the best mean rank first."""
        places = {
            pair: ranks([self.errors[method][pair] for method in self.methods])
            for pair in self.common
        }
        summaries = []
        for i, method in enumerate(self.methods):
            errors = self.errors[method]
            best = {p: min(self.errors[other][p] for other in self.methods) for p in self.common}
            own = [pair for pair in errors if pair in self.errors[reference]]
            log_cpu = {pair: np.log(self.fit_cpu[method][pair]) for pair in self.common}
            summaries.append(
                Summary(
                    method,
                    self.ratio(method, reference, self.common),
                    over_sets({pair: places[pair][i] for pair in self.common}),
                    sum(errors[pair] == best[pair] for pair in self.common),
                    float(np.exp(over_sets(log_cpu))),
                    len(errors),
                    self.ratio(method, reference, own),
                )
            )
        return sorted(summaries, key=lambda each: each.rank)
