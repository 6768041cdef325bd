"""JSON lines: rows with absent keys, and errors that name line and column."""

from pathlib import Path

import pytest

from tables import cells, write


def test_absent_keys_and_null_are_missing_values(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"x": 1, "t": "a"}\n\n{"t": null}\n{"x": 2.5, "z": true}\n')
    assert cells(path) == {
        "x": [1.0, None, 2.5],
        "t": ["a", None, None],
        "z": [None, None, True],
    }


def test_a_row_may_be_long(tmp_path: Path) -> None:
    long = "z" * 3_000_000
    assert cells(write(tmp_path / "a.jsonl", f'{{"t": "{long}"}}\n'))["t"] == [long]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", ": the file is empty"),
        ('{"x": 1}\n{"x": 2\n', ", line 2, character 8: not JSON"),
        ('{"x": 1}\n\n{"x" 2}\n', ", line 3, character 6: not JSON"),
        ('{"x": 1}\n{"x": "a"}\n', ", line 2: column 'x' has a text, above it has a number"),
        (
            '{"x": 1, "y": true}\n{"y": 3}\n',
            ", line 2: column 'y' has a number, above it has a flag",
        ),
        ('{"x": 1}\n[1]\n', ", line 2: each line must be one object"),
        ('[{"x": 1}, {"x": 2}]', ", line 1: each line must be one object"),
        ('{"x": 1, "x": 2}\n', ", line 1: column 'x' occurs twice"),
        ("x,y\n1,2\n", ", line 1, character 1: not JSON"),
        (b'{"x": "\xff"}\n', ", line 1: the byte 0xff is not UTF-8"),
    ],
)
def test_errors_name_line_and_column(tmp_path: Path, content: str | bytes, message: str) -> None:
    path = write(tmp_path / "a.jsonl", content)
    with pytest.raises(ValueError) as error:  # noqa: PT011
        cells(path)
    assert str(error.value).startswith(f"{path}{message}")
