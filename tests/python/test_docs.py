"""Tables and pages of the documentation agree with the library, and with each other."""

import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import backpass as bp
from reference import losses

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
GUIDE = DOCS / "user_guide"
CHOICES = (GUIDE / "output_and_loss.md").read_text(encoding="utf-8")


def rows_of(text: str, heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, with its head."""
    section = text.split(f"\n## {heading}\n")[1]
    table = re.search(r"(^\|.*\n)+", section, re.M)
    assert table is not None
    lines = [line for line in table[0].splitlines() if not set(line) <= set("|-: ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def column_of(activation: bp.activations.Activation, head: list[str]) -> int:
    """Return the column of the table of pairs for an output activation, by its values."""
    name = str(activation)
    if name in head:
        return head.index(name)
    values = activation(np.linspace(-4, 4, 81))
    kind = "real outputs" if values.min() < 0 else "at least 0"
    if values.min() >= 0 and values.max() <= 1:
        kind = "in [0, 1]"
    return next(i for i, cell in enumerate(head) if cell.startswith(kind))


class TestPairs:
    HEAD, *ROWS = rows_of(CHOICES, "Allowed pairs")
    TABLE: ClassVar = {name: row for row in ROWS for name in row[0].split(", ")}

    def test_every_loss_has_a_row(self):
        assert sorted(self.TABLE) == sorted(bp.losses.names())

    @pytest.mark.parametrize("output", bp.activations.names())
    @pytest.mark.parametrize("loss", bp.losses.names())
    def test_the_table_says_what_the_library_does(self, loss, output):
        cell = self.TABLE[loss][column_of(bp.activations.get(output), self.HEAD)]
        net = bp.Network([2, 3], output=output, seed=0)
        y = losses.targets_for(loss, 5, 3, np.random.default_rng(0))
        if cell == "fine":
            net.evaluate(np.ones((5, 2)), y, loss=loss)
        else:
            assert cell == "refused"
            with pytest.raises(ValueError, match="expects"):
                net.evaluate(np.ones((5, 2)), y, loss=loss)

    def test_members_in_the_head_are_in_their_columns(self):
        for i, cell in enumerate(self.HEAD[1:], 1):
            for name in set(re.findall(r"\w+", cell)) & set(bp.activations.names()):
                assert column_of(bp.activations.get(name), self.HEAD) == i, name

    def test_closed_forms(self):
        source = (ROOT / "cpp/include/backpass/loss_list.hpp").read_text(encoding="utf-8")
        classes = {type(bp.losses.get(name)).__name__: name for name in bp.losses.names()}
        rows = source.split("#define BACKPASS_CLOSED_FORMS(FORM)")[1]
        forms = {
            (classes[loss], out) for loss, out in re.findall(r"FORM\((\w+), (\w+), \w+\)", rows)
        }
        table = rows_of(CHOICES, "Pairs in closed form")[1:]
        assert {(row[0], out) for row in table for out in row[1].split(", ")} == forms

    def test_recommended_pairs_are_accepted(self):
        chosen = re.search(r"(^\|.*\n)+", CHOICES, re.M)
        assert chosen is not None
        for line in chosen[0].splitlines()[2:]:
            _, _, output, names = (re.findall(r"`([^`]+)`", c) for c in line.split("|")[1:-1])
            for name in names:
                loss = "quantile" if "Quantile" in name else name
                cell = self.TABLE[loss][column_of(bp.activations.get(output[0]), self.HEAD)]
                assert cell == "fine"


def test_the_page_of_environment_variables_names_all() -> None:
    sources = [*(ROOT / "cpp/src").rglob("*.cpp"), *(ROOT / "python/backpass").rglob("*.py")]
    pattern = r"(?:getenv\(|environ(?:\.get\(|\[))\s*\"(\w+)\""
    read = {name for path in sources for name in re.findall(pattern, path.read_text("utf-8"))}
    page = (GUIDE / "environment.md").read_text(encoding="utf-8")
    table = re.search(r"(^\|.*\n)+", page, re.M)
    assert table is not None
    assert set(re.findall(r"^\| `(\w+)`", table[0], re.M)) == read


def header_of(path: Path) -> dict[str, Any]:
    """Return the header of a safetensors file."""
    data = path.read_bytes()
    header: dict[str, Any] = json.loads(data[8 : 8 + struct.unpack("<Q", data[:8])[0]])
    return header


class TestFileFormat:
    PAGE = (GUIDE / "file_format.md").read_text(encoding="utf-8")

    @pytest.fixture
    def header(self, tmp_path):
        """The header of a file that has everything a file may have."""
        net = bp.Network([3, 4, 2], activation="elu", output="softmax", dropout=0.1, seed=0)
        net.layers[0].bias_lr_scale = 2.0
        path = tmp_path / "model.safetensors"
        x, y = np.ones((4, 3)), np.array([0, 1, 0, 1])
        net.fit(
            x,
            y,
            loss="cross_entropy",
            optimizer=bp.optim.AdamW(),
            epochs=2,
            schedule=bp.schedules.Cosine(),
            dropout_schedule=bp.schedules.Constant(),
            weight_decay_schedule=bp.schedules.Constant(),
            validation_data=(x, y),
            early_stopping=5,
            checkpoint=bp.callbacks.Checkpoint(path, metadata={"by": "me"}),
            progress=False,
        )
        return header_of(path)

    @pytest.fixture
    def ensemble(self, tmp_path):
        """The header of a file of an ensemble."""
        path = tmp_path / "ensemble.safetensors"
        bp.Ensemble([3, 4, 2], members=2, seed=0).save(path)
        return header_of(path)

    def test_the_table_of_tensors(self, header, ensemble):
        table = rows_of(self.PAGE, "Tensors")[1:]
        names = [name for row in table for name in re.findall(r"`([^`]+)`", row[0])]
        patterns = [re.sub(r"<\w>", r"\\d+", re.escape(n).replace(r"\<", "<")) for n in names]
        tensors = (set(header) | set(ensemble)) - {"__metadata__"}
        for tensor in tensors:
            assert sum(re.fullmatch(p, tensor) is not None for p in patterns) == 1, tensor
        for pattern in patterns:
            assert any(re.fullmatch(pattern, tensor) for tensor in tensors), pattern

    def test_the_table_of_metadata(self, header, ensemble):
        table = rows_of(self.PAGE, "Metadata")[1:]
        names = {name for row in table for name in re.findall(r"`([^`]+)`", row[0])}
        keys = {*header["__metadata__"], *ensemble["__metadata__"]}
        keys = {re.sub(r"^user\..*", "user.<key>", key) for key in keys}
        assert names == {re.sub(r"^member\.\d+", "member.<k>", key) for key in keys}

    def test_the_settings_of_a_layer(self, header):
        text = self.PAGE.split("An entry of `layers`")[1].split("\n\n")[0]
        named = set(re.findall(r"`(\w+)`", text))
        layers = json.loads(header["__metadata__"]["network"])["layers"]
        assert named == set(layers[0]) | set(layers[1])


def test_numbers_of_the_comparison_are_measured_ones() -> None:
    comparison = (DOCS / "comparison.md").read_text(encoding="utf-8")
    measured = (DOCS / "performance.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| (Zen \d) \| (.+?) \|$", comparison, re.M)
    assert len(rows) >= 8
    for case, machine, ratios in rows:
        name = case.split(", one row")[0]
        section = measured.split(f"### {machine}\n")[1].split("\n## ")[0].split("\n### ")[0]
        line = next(line for line in section.splitlines() if line.startswith(f"| {name} |"))
        assert ratios in line, (case, line)


def headings(text: str) -> list[int]:
    """Return the levels of the headings, without those in code."""
    return [
        len(m)
        for m in re.findall(r"^(#+) ", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M)
    ]


def pieces(text: str) -> Iterator[str]:
    """Yield the code, the equations and the included lines of a page, in order."""
    pattern = r"^```.*?^```$|^:::\{literalinclude\}.*?^:::$|^(?: {4}[^\n]*\n)+"
    for match in re.finditer(pattern, text, re.M | re.S):
        yield match[0].replace("../../cpp/", "../cpp/")


class TestJapanese:
    """The Japanese pages have the headings, the code and the equations of the English ones."""

    PAIRS = (("README.md", "README.ja.md"), ("docs/mathematics.md", "docs/ja/mathematics.md"))

    @pytest.mark.parametrize(("english", "japanese"), PAIRS)
    def test_headings_code_and_equations(self, english, japanese):
        first, second = ((ROOT / p).read_text(encoding="utf-8") for p in (english, japanese))
        assert headings(first) == headings(second)
        assert list(pieces(first)) == list(pieces(second))
        assert len(list(pieces(first))) >= 9

    def test_tables_of_the_mathematics(self):
        """All cells but the words."""
        tables = []
        for _, japanese in self.PAIRS[1:]:
            for name in ("docs/mathematics.md", japanese):
                text = (ROOT / name).read_text(encoding="utf-8")
                lines = re.findall(r"^\| .*$", text, re.M)
                cells = [[c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
                tables.append([row[:1] + row[3:] if len(row) == 4 else row[1:] for row in cells])
        heads = {"here", "記号", "in the API", "API"}
        without = [[[c for c in row if c not in heads] for row in table] for table in tables]
        assert without[0] == without[1]
        assert len(without[0]) >= 16
