"""The arithmetic of the reports, compared with SciPy and with numbers computed by hand."""

import math

import initial_weights
import numpy as np
import pytest
import report
from markdown import replace_part, table
from results import Result
from scipy import stats
from summary import Comparison, over_sets, ranks

METHODS = ["hist_boosting", "plain", "forest"]


def some_results(seed=0):
    rng = np.random.default_rng(seed)
    return [
        Result(name, k, method, rng.uniform(0.1, 0.5), rng.uniform(1, 9), 1.0, 1.0, 100)
        for name, seeds in (("letter", 3), ("ames", 1), ("vehicle", 2))
        for k in range(seeds)
        for method in METHODS
    ]


def compare(results, methods=METHODS):
    return Comparison(results, methods, {"letter": True, "ames": False, "vehicle": True})


@pytest.mark.parametrize("seed", range(5))
def test_ratios_ranks_wins_and_times(seed):
    results = some_results(seed)
    value = {r.key: r.error for r in results}
    names = {"letter": 3, "ames": 1, "vehicle": 2}
    for one in compare(results).summaries("hist_boosting"):
        per_set = [
            stats.gmean([value[n, k, one.method] / value[n, k, METHODS[0]] for k in range(c)])
            for n, c in names.items()
        ]
        assert one.ratio == pytest.approx(stats.gmean(per_set))
        assert one.own_ratio == pytest.approx(one.ratio)
        places = {
            (n, k): dict(
                zip(METHODS, stats.rankdata([value[n, k, m] for m in METHODS]), strict=True)
            )
            for n, c in names.items()
            for k in range(c)
        }
        own = {pair: place[one.method] for pair, place in places.items()}
        mean = np.mean([np.mean([own[n, k] for k in range(c)]) for n, c in names.items()])
        assert one.rank == pytest.approx(mean)
        assert one.wins == sum(place[one.method] == 1 for place in places.values())
        seconds = {r.key: r.fit_cpu for r in results}
        cpu = [stats.gmean([seconds[n, k, one.method] for k in range(c)]) for n, c in names.items()]
        assert one.fit_cpu == pytest.approx(stats.gmean(cpu))
        assert one.pairs == 6


def test_only_pairs_with_all_results_count_and_the_others_are_named():
    results = [r for r in some_results() if r.key != ("letter", 1, "forest")]
    results = [r for r in results if r.key != ("ames", 0, "forest")]
    results.append(Result("ames", 0, "forest", failure="out of memory"))
    comparison = compare(results)
    assert comparison.common == [("letter", 0), ("letter", 2), ("vehicle", 0), ("vehicle", 1)]
    assert comparison.missing == {("letter", 1): ["forest"], ("ames", 0): ["forest"]}
    text = "\n".join(report.remarks(comparison))
    assert "without RandomForest: ames (0), letter (1)" in text
    assert "Failed: RandomForest on ames (seed 0): out of memory" in text
    by_name = {each.method: each for each in comparison.summaries("hist_boosting")}
    assert by_name["forest"].pairs == 4
    value = {r.key: r.error for r in results}
    own = [
        stats.gmean([value[n, k, "plain"] / value[n, k, "hist_boosting"] for k in range(c)])
        for n, c in {"letter": 3, "ames": 1, "vehicle": 2}.items()
    ]
    assert by_name["plain"].own_ratio == pytest.approx(stats.gmean(own))
    assert by_name["plain"].ratio != pytest.approx(by_name["plain"].own_ratio)
    # Without the method that fails, all pairs count.
    assert len(compare(results, METHODS[:2]).common) == 6


def test_no_error_counts_as_half_an_error():
    results = [
        Result("letter", 0, method, error, 1.0, 1.0, 1.0, 50)
        for method, error in zip(METHODS, [0.02, 0.0, 0.04], strict=True)
    ]
    ratios = {one.method: one.ratio for one in compare(results).summaries("hist_boosting")}
    assert ratios == pytest.approx({"hist_boosting": 1, "plain": 0.5, "forest": 2})


def test_equal_errors_share_a_rank():
    rng = np.random.default_rng(0)
    for _ in range(20):
        errors = rng.integers(0, 4, 7).tolist()
        assert ranks(errors) == stats.rankdata(errors).tolist()


def test_every_set_has_the_same_weight():
    assert over_sets({("a", 0): 1.0, ("a", 1): 3.0, ("b", 0): 8.0}) == 5
    assert math.isnan(over_sets({}))


def test_the_text_and_the_picture(tmp_path):
    results = [*some_results(), Result("letter", 0, "tabm", 0.1, 1.0, 1.0, 1.0, 100)]
    found = report.counts(results)
    assert found == {"plain": 6, "hist_boosting": 6, "forest": 6, "tabm": 1}
    assert report.well_covered(found) == ["plain", "hist_boosting", "forest"]
    comparison = compare(results)
    summaries = comparison.summaries("hist_boosting")
    assert [one.rank for one in summaries] == sorted(one.rank for one in summaries)
    text = report.text_of(comparison, summaries, found, "x.png")
    assert "6 pairs of set and seed, 3 sets. Not compared: TabM-D (1 results)." in text
    assert text.count("**") == 2 * 3  # the best of each set
    report.draw(summaries, tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


def test_a_part_of_a_document_is_replaced(tmp_path):
    path = tmp_path / "page.md"
    path.write_text("a\n<!-- begin x -->\nold\n<!-- end x -->\nb\n")
    for _ in range(2):
        replace_part(path, "x", table(["h", "i"], [["1", "2"]]))
    assert path.read_text() == (
        "a\n<!-- begin x -->\n\n| h | i |\n| --- | --: |\n| 1 | 2 |\n\n<!-- end x -->\nb\n"
    )
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"page\.md needs one line '<!-- begin y -->'"):
        replace_part(path, "y", "text")
    assert path.read_bytes() == before


def test_ratios_of_initial_weights():
    rows = [
        {
            "set": name,
            "seed": str(seed),
            "activation": "relu",
            "network": "3 x 64",
            "init": init,
            "error": str(error),
        }
        for name, seed, init, error in [
            ("a", 0, "he_normal", 0.2),
            ("a", 0, "glorot_uniform", 0.1),
            ("a", 1, "he_normal", 0.1),
            ("a", 1, "glorot_uniform", 0.2),
            ("b", 0, "he_normal", 0.4),
            ("b", 0, "glorot_uniform", 0.1),
            ("c", 0, "glorot_uniform", 0.1),  # without He: it does not count
        ]
    ]
    found = initial_weights.ratios(rows, "relu", "3 x 64")["glorot_uniform"]
    assert list(found) == [("a", 0), ("a", 1), ("b", 0)]
    # Means over seeds: 1 for a, 1/4 for b. Their geometric mean is 1/2.
    assert initial_weights.with_error(found).startswith("0.500 ± ")


def test_initial_weights_of_every_layer():
    sizes = [9, 4, 4, 2]
    he = initial_weights.initializers("he_normal", sizes)
    assert he == ["he_normal", "he_normal", "glorot_uniform"]
    uniform = initial_weights.initializers("U(±1/√fan_in)", sizes)
    assert [init.half_width for init in uniform] == [1 / 3, 1 / 2, 1 / 2]
