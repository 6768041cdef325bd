"""The files that name a member of a closed set are those that CONTRIBUTING lists.

A new member is written in at most three production files, besides the generated stub, and in at
most two test files. All other files read the library's lists, or use one member for its own sake.
"""

import re
from functools import cache
from pathlib import Path

import pytest

import backpass as bp

ROOT = Path(__file__).resolve().parents[2]
CORE = "python/backpass/_core"
# The production files in which a member is written. A member need not be in all of them.
PRODUCTION = {
    "activations": {
        "cpp/include/backpass/activation_list.hpp",
        "cpp/src/kernels/activation_inl.hpp",  # or the next
        "cpp/src/kernels/smooth_activation_inl.hpp",
    },
    "losses": {
        "cpp/include/backpass/loss_list.hpp",
        "cpp/include/backpass/loss.hpp",
        "cpp/src/kernels/loss_inl.hpp",
    },
    "optim": {
        "cpp/include/backpass/optimizer.hpp",
        "cpp/src/optim/rules.hpp",
        "cpp/src/kernels/update_inl.hpp",
    },
    "schedules": {"cpp/include/backpass/schedule.hpp", "cpp/src/optim/schedule.cpp"},
    "initializers": {
        "cpp/include/backpass/initializer.hpp",
        "cpp/src/model/initializer.cpp",
        "python/bindings/register_initializer.cpp",  # if it has a parameter
    },
    "metrics": {"python/backpass/metrics.py"},
}
# The test files in which a member must be written.
TESTS = {
    "activations": {"tests/reference/activations.py", "tests/cpp/definitions/activations.hpp"},
    "losses": {"tests/reference/losses.py", "tests/cpp/definitions/losses.hpp"},
    "optim": {"tests/cpp/optim/reference.hpp", "tests/cpp/io/random_settings.hpp"},
    "schedules": {"tests/cpp/optim/test_schedule.cpp", "tests/cpp/io/random_settings.hpp"},
    "initializers": {"tests/reference/initializers.py", "tests/python/test_initializers.py"},
    "metrics": {"tests/python/test_metrics.py"},
}
# Test files that name all members. They pass without a case for a new one.
OPTIONAL = {
    "tests/cpp/model/test_refusals.cpp",
    "tests/cpp/optim/test_update_plan.cpp",
    "tests/cpp/pass/test_complex_step.cpp",
    "tests/python/test_activation_accuracy.py",
    "tests/python/test_fit.py",
    "tests/python/test_optim_torch.py",
    "tests/python/test_torch_parity.py",
}
# Production files that use one member for its own sake.
USES = {
    # a layer without an activation
    "identity": {
        "cpp/include/backpass/activation.hpp",
        "cpp/include/backpass/loss.hpp",
        "cpp/src/base/text.hpp",
        "cpp/src/io/architecture.cpp",
        "cpp/src/model/activate.cpp",
        "cpp/src/model/check_loss.cpp",
        "cpp/src/model/loss.cpp",
        "cpp/src/model/model.cpp",
        "cpp/src/model/model.hpp",
        "cpp/src/pass/row_plan.cpp",
        "python/backpass/metrics.py",
        "python/bindings/register_network.cpp",
        f"{CORE}/__init__.pyi",
    },
    # defaults of Network and Ensemble
    "relu": {
        "cpp/include/backpass/network.hpp",
        "python/backpass/ensemble.py",
        "python/bindings/register_network.cpp",
        f"{CORE}/__init__.pyi",
    },
    "auto": {
        "python/backpass/ensemble.py",
        "python/bindings/register_network.cpp",
        f"{CORE}/__init__.pyi",
    },
    # no random numbers: for weights that a file or a copy replaces
    "zeros": {"cpp/src/io/read_network.cpp", "cpp/src/pass/network.cpp"},
    # functions of a row, with kernels of their own
    "softmax": {
        "cpp/include/backpass/activation_kind.hpp",
        "cpp/src/model/activate.cpp",
        "cpp/src/model/activate.hpp",
        "cpp/src/model/check_loss.cpp",
    },
    "log_softmax": {"cpp/src/model/activate.cpp", "cpp/src/model/activate.hpp"},
    # advice in messages: the output activation for a loss, the loss for logits
    "sigmoid": {"cpp/src/model/check_loss.cpp"},
    "softplus": {"cpp/src/model/check_loss.cpp"},
    "exp": {"cpp/src/model/check_loss.cpp"},
    "cross_entropy": {"cpp/src/model/check_loss.cpp"},
    "softmax_cross_entropy": {"cpp/src/model/check_loss.cpp"},
    "binary_cross_entropy": {"cpp/src/model/check_loss.cpp"},
    "sigmoid_cross_entropy": {"cpp/src/model/check_loss.cpp"},
    # its running product is a tensor in files
    "nadam": {"cpp/src/io/optimizer_state.cpp"},
    # it has a memory, which fit restores
    "ReduceOnPlateau": {
        "cpp/src/train/resume.cpp",
        "cpp/src/train/snapshot.hpp",
        "python/bindings/register_schedule.cpp",
    },
    # metrics that the native training loop computes
    "accuracy": {"cpp/src/train/metric.cpp"},
    "r2": {"cpp/src/train/metric.cpp"},
    # its result is not a number
    "confusion_matrix": {"python/backpass/_fit_arguments.py"},
}
# Files in which the name of a member means something else.
OTHER_MEANINGS = {
    "auto": {  # the direction of a metric, and whether to show progress
        "cpp/include/backpass/trainer.hpp",
        "cpp/src/train/monitor.cpp",
        "python/backpass/callbacks/checkpoint.py",
        "python/backpass/callbacks/early_stopping.py",
        "python/backpass/callbacks/progress.py",
        "python/backpass/network.py",
    },
    "constant": {  # the schedule
        "cpp/include/backpass/schedule.hpp",
        "cpp/src/optim/schedule.cpp",
        f"{CORE}/schedules.pyi",
    },
    "Constant": {  # the initializer
        f"{CORE}/initializers.pyi",
        "python/bindings/register_initializer.cpp",
    },
    "normal": {"cpp/src/base/random.cpp"},  # functions of Philox
    "uniform": {"cpp/src/base/random.cpp"},
    "Step": {  # the step of an optimizer
        "cpp/include/backpass/optimizer.hpp",
        "cpp/src/pass/batch_pass.hpp",
        "cpp/src/pass/network_impl.hpp",
        "cpp/src/pass/step.cpp",
        "cpp/src/pass/step.hpp",
    },
    "quantile": {"cpp/src/pass/ensemble.cpp"},  # of the members' outputs
    "mse": {"cpp/include/backpass/loss.hpp", "python/backpass/metrics.py"},  # a loss, a metric
    "mae": {
        "cpp/include/backpass/loss.hpp",
        "cpp/src/train/metric.cpp",
        "python/backpass/metrics.py",
    },
    # endings of the names of series (rises())
    **{
        name: {"cpp/src/train/monitor.cpp"}
        for name in ("accuracy", "auc", "f1", "precision", "r2", "recall")
    },
}


def members(kind: str) -> dict[str, set[str]]:
    """Return all members of a set, each with its spellings: the name, and the class if any."""
    module = getattr(bp, kind)
    if kind == "schedules":
        return {name: {name} for name in module.__all__ if name != "Schedule"}
    if kind == "initializers":
        source = (ROOT / "cpp/src/model/initializer.cpp").read_text(encoding="utf-8")
        names = re.findall(r'\{"(\w+)", \{InitializerKind', source)
        return {name: {name, name.capitalize()} for name in names}
    if kind == "metrics":
        return {name: {name} for name in module.names()}
    return {name: {name, type(module.get(name)).__name__} for name in module.names()}


ALL = {(kind, name): spellings for kind in PRODUCTION for name, spellings in members(kind).items()}


@cache
def code() -> dict[str, set[str]]:
    """Return the words of all source files: with a capital, in quotes, or after `::`.

    Comments and docstrings do not count.
    """
    word = re.compile(r"[\"'`](\w+)[\"'`]|::(\w+)|(?<!\w)([A-Z]\w*)")
    words = {}
    for folder in ("cpp", "python", "tests"):
        for path in sorted((ROOT / folder).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if path.suffix in {".hpp", ".cpp", ".py", ".pyi"} and path != Path(__file__).resolve():
                text = re.sub(
                    r'R"\(.*?\)"|""".*?"""', "", path.read_text(encoding="utf-8"), flags=re.DOTALL
                )
                text = re.sub("//.*" if path.suffix in {".hpp", ".cpp"} else "#.*", "", text)
                words[name] = {"".join(groups) for groups in word.findall(text)}
    return words


@cache
def files_that_name(kind: str, name: str) -> frozenset[str]:
    """Return the files with a spelling: a word with a capital, in quotes, or an enumerator."""
    return frozenset(path for path, words in code().items() if words & ALL[kind, name])


def of_production(paths: frozenset[str]) -> set[str]:
    # These use the public names; test_no_other_file covers them.
    users = tuple(f"python/backpass/{name}/" for name in ("cli", "tabular", "sklearn"))
    return {p for p in paths if p.startswith(("cpp/", "python/")) and not p.startswith(users)}


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_a_member_is_written_in_at_most_three_production_files(kind: str, name: str) -> None:
    found = of_production(files_that_name(kind, name)) - {f"{CORE}/{kind}.pyi"}
    written = found - USES.get(name, set()) - OTHER_MEANINGS.get(name, set())
    written |= found & PRODUCTION[kind]
    assert written <= PRODUCTION[kind]
    assert 1 <= len(written) <= 3


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_a_member_has_its_tests(kind: str, name: str) -> None:
    assert len(TESTS[kind]) <= 2
    missing = TESTS[kind] - files_that_name(kind, name)
    if kind == "initializers":  # those of papers in the first, the others in the second
        assert missing < TESTS[kind]
    elif name in ("softmax", "log_softmax"):  # functions of a row are not in the list of C++
        assert missing == {"tests/cpp/definitions/activations.hpp"}
    else:
        assert not missing


@pytest.mark.parametrize("kind", PRODUCTION)
def test_no_other_file_lists_all_members(kind: str) -> None:
    lists = frozenset.intersection(*(files_that_name(*one) for one in ALL if one[0] == kind))
    assert lists <= PRODUCTION[kind] | TESTS[kind] | OPTIONAL | {f"{CORE}/{kind}.pyi"}


def test_every_exception_is_needed() -> None:
    for table in (USES, OTHER_MEANINGS):
        for name, paths in table.items():
            kinds = [kind for kind, member in ALL if member == name]
            found = set().union(*(files_that_name(kind, name) for kind in kinds))
            assert paths <= found, name
