"""A member of a closed set is named in at most three production files; see CONTRIBUTING."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = ("cpp", "python")
MEMBERS = {
    "activation": ["hard_swish|HardSwish", "softsign|Softsign", "mish|Mish", "celu|CELU"],
    "loss": ["log_cosh|LogCosh"],
    "optimizer": ["lion|Lion", "rprop|Rprop", "adagrad|Adagrad", "rmsprop|RMSprop"],
    "schedule": ["InverseScaling", "Cosine"],
}


def places(pattern: str) -> list[str]:
    word = re.compile(rf"(?<![A-Za-z])({pattern})(?![a-z])")
    files = [
        path
        for folder in PRODUCTION
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".hpp", ".cpp", ".py", ".cmake", ".txt"}
        and "build" not in path.relative_to(ROOT).parts
    ]
    return [str(p.relative_to(ROOT)) for p in files if word.search(p.read_text(encoding="utf-8"))]


@pytest.mark.parametrize(
    ("kind", "pattern"), [(kind, one) for kind, members in MEMBERS.items() for one in members]
)
def test_a_member_is_named_in_at_most_three_files(kind: str, pattern: str) -> None:
    found = places(pattern)
    assert 1 <= len(found) <= 3, f"{kind} {pattern}: {found}"
