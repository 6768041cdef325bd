"""The walks through three calls in docs/architecture.md name functions of the named files."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
SECTION = DOCUMENT.split("## The way of three calls\n")[1].split("\n## ")[0]
WALKS = dict(re.findall(r"^`((?:net|bp)\.\w+)\(.*?\)`:\n\n(.*?)(?=\n\n|\Z)", SECTION, re.M | re.S))
NOT_FUNCTIONS = {
    "Input",
    "Targets",
    "FitOptions",
    "History",
    "Network",
    "resume_from",
    "train_step",
}


def path_of(name: str) -> Path:
    return ROOT / (name if name.startswith("python/") else f"cpp/src/{name}")


def steps(walk: str) -> list[tuple[str, list[str]]]:
    """Return each named file with the names that follow it: `file`: `name` ... `name`."""
    parts = re.split(r"`([\w/]+\.\w+)`(?::|\.)", walk)
    return [
        (file, re.findall(r"`([\w:.]+)`", text))
        for file, text in zip(parts[1::2], parts[2::2], strict=True)
    ]


def has_function(text: str, name: str) -> bool:
    """Whether a C++ or Python file defines the function, or the class, ``name``."""
    *owner, function = re.split(r"::|\.", name)
    if owner and f"{owner[0]}<T>::" not in text and not re.search(rf"\b{owner[0]}(<.*?>)?::", text):
        return re.search(rf"^class {owner[0]}\b", text, re.M) is not None and bool(
            re.search(rf"^    def {function}\(", text, re.M)
        )
    if owner:
        return re.search(rf"\b{owner[0]}(<[^()]*?>)?::{function}\(", text) is not None
    return re.search(rf"(^|[\w>&*] ){function}\(|^(class|def) {function}\b", text, re.M) is not None


def test_there_are_three_walks() -> None:
    assert set(WALKS) == {"net.train_step", "net.fit", "bp.load"}


@pytest.mark.parametrize("call", sorted(WALKS))
def test_functions_are_in_the_named_files(call: str) -> None:
    named = 0
    for file, names in steps(WALKS[call]):
        text = path_of(file).read_text(encoding="utf-8")
        for name in names:
            if name not in NOT_FUNCTIONS:
                assert has_function(text, name), f"{name} is not in {file}"
                named += 1
    assert named >= 8


@pytest.mark.parametrize("call", sorted(WALKS))
def test_a_call_passes_through_at_most_six_folders(call: str) -> None:
    folders = {str(Path(file).parent) for file, _ in steps(WALKS[call])}
    assert len(folders) <= 6, folders


def test_a_wrong_name_is_found() -> None:
    text = path_of("train/fit.cpp").read_text(encoding="utf-8")
    assert has_function(text, "Fit::run_steps")
    assert not has_function(text, "Fit::run_everything")
    assert not has_function(text, "Evaluation::run_steps")
