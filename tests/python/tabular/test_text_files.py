"""Text files: their separator, encoding, quotes, header and missing values are found out."""

import csv
from pathlib import Path

import pytest

from backpass.tabular import ReadOptions, Settings, train
from backpass.tabular.sources import open_table
from tables import cells, lines, write

PLAIN = {"x": ["1.5", "2.5", None], "word": ["müde", "a b", "wach"]}


def text(separator: str = ",", end: str = "\n") -> str:
    rows = [["x", "word"], ["1.5", "müde"], ["2.5", "a b"], ["", "wach"]]
    return end.join(separator.join(row) for row in rows) + end


class TestDialects:
    @pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_separators_and_ends_of_lines_are_found(
        self, tmp_path: Path, separator: str, end: str
    ) -> None:
        assert cells(write(tmp_path / "a.csv", text(separator, end))) == PLAIN

    @pytest.mark.parametrize(
        "encoding",
        ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32"],
    )
    def test_encodings_are_found(self, tmp_path: Path, encoding: str) -> None:
        assert cells(write(tmp_path / "a.csv", text().encode(encoding))) == PLAIN

    def test_a_guessed_encoding_is_a_note(self, tmp_path: Path) -> None:
        table = open_table(write(tmp_path / "a.csv", text().encode("latin-1")))
        assert len(table.notes) == 1
        assert "read as cp1252; --encoding changes this" in table.notes[0]
        assert open_table(write(tmp_path / "a.csv", text())).notes == []

    def test_an_encoding_can_be_told(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.csv", "word,n\nдень,1\nночь,2\n".encode("koi8-r"))
        assert cells(path)["word"] != ["день", "ночь"]
        assert cells(path, ReadOptions(encoding="koi8-r"))["word"] == ["день", "ночь"]

    def test_a_separator_can_be_told(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.csv", "a;b c;d\n1;2 3;4\n")
        assert list(cells(path)) == ["a", "b c", "d"]
        assert list(cells(path, ReadOptions(separator=" "))) == ["a;b", "c;d"]

    def test_commas_in_texts_do_not_hide_the_separator(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.csv", lines(lambda i: f"{i},5;a, b, {i};{i}", header="x;t;y"))
        assert list(cells(path)) == ["x", "t", "y"]
        assert cells(path)["t"][7] == "a, b, 7"

    def test_quotes_protect_separators_quotes_and_ends_of_lines(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        texts = ["a,b", 'say "no"', "two\nlines", "two\r\nlines", "plain", ",", ""]
        with path.open("w", newline="") as file:
            writer = csv.writer(file, quoting=csv.QUOTE_ALL)
            writer.writerows([["t", "n"], *([word, str(i)] for i, word in enumerate(texts))])
        assert cells(path)["t"] == texts

    def test_spaces_around_cells_and_names_do_not_count(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.csv", " x , word\n 1.5 , red \n")
        assert cells(path) == {"x": ["1.5"], "word": ["red"]}

    def test_a_cell_may_be_very_long(self, tmp_path: Path) -> None:
        long = "z" * 300_000
        path = write(tmp_path / "a.csv", f"t,n\n{long},1\nb,2\n")
        assert cells(path)["t"] == [long, "b"]
        before = csv.field_size_limit()
        write(path, f"t,n\n{long},1\nb,2,3\n")
        with pytest.raises(ValueError, match="line 3: 3 cells, but the header has 2"):
            cells(path)
        assert csv.field_size_limit() == before

    def test_many_blocks_are_one_table(self, tmp_path: Path) -> None:
        rows = 500_000  # 5 MB: two blocks
        path = write(tmp_path / "a.csv", lines(lambda i: f"{i},{i % 7}", rows, "number,y"))
        found = cells(path)
        assert found["number"] == list(map(str, range(rows)))

    def test_apostrophes_around_cells_are_found(self, tmp_path: Path) -> None:
        rows = [["it's", "a,b"], ["1", ""], ["two", ";"]]
        quoted = [",".join("'" + cell.replace("'", "''") + "'" for cell in row) for row in rows]
        table = open_table(write(tmp_path / "a.csv", "\n".join(["'x','y'", *quoted]) + "\n"))
        assert table.columns == ["x", "y"]
        [batch] = table.blocks()
        assert batch.to_pylist() == [dict(zip("xy", row, strict=True)) for row in rows]
        assert table.notes == [f"{tmp_path / 'a.csv'}: ' quotes cells; --quote changes this"]

    @pytest.mark.parametrize(
        "content",
        ["x,y\n'tis,a\n'twas,b\n", "x,y\n\"a,b\",'c'\n1,'d'\n", "x,y\n'a',1\n'b,2\n"],
    )
    def test_other_apostrophes_are_characters(self, tmp_path: Path, content: str) -> None:
        path = write(tmp_path / "a.csv", content)
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert cells(path) == {name: [row[name] for row in rows] for name in "xy"}

    def test_a_quote_can_be_told(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.csv", "x,y\n'a,b',1\n\"c,2\n")
        assert cells(path, ReadOptions(quote="'"))["x"] == ["a,b", '"c']
        with pytest.raises(ValueError, match="the quote must be"):
            open_table(path, ReadOptions(quote="x"))


class TestHeader:
    @pytest.mark.parametrize(
        "content",
        [
            lines(lambda i: f"{i}.5,{'ab'[i % 2]}", header="1.5,a"),
            lines(lambda i: f"{i * 7 % 50},{'ab'[i % 2]},{'cd'[i % 2]}", header="39,a,d"),
            lines(lambda i: ["red,a", "blue,a", "red,b", "blue,b"][i % 4], header="red,a"),
        ],
    )
    def test_data_in_the_first_line_are_refused(self, tmp_path: Path, content: str) -> None:
        path = write(tmp_path / "a.csv", content)
        target = content.split("\n")[0].split(",")[-1]
        with pytest.raises(ValueError, match=r"a\.csv, line 1: .* look like data, .*--no-header"):
            train(path, target)
        name = str(content.split("\n")[0].count(",") + 1)
        quick = Settings(epochs=1)
        assert train(path, name, settings=quick, read=ReadOptions(header=False)).rows["train"] > 30

    def test_names_that_are_years_are_names(self, tmp_path: Path) -> None:
        path = write(
            tmp_path / "a.csv",
            lines(lambda i: f"{i * 0.7},{i % 5},{'ab'[i % 2]}", header="2019,2020,y"),
        )
        assert train(path, "y", settings=Settings(epochs=1)).model.encoder.names == ["2019", "2020"]


class TestMissing:
    @pytest.mark.parametrize(
        "word", ["", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "<NA>", "#N/A"]
    )
    def test_usual_words_are_missing_unless_quoted(self, tmp_path: Path, word: str) -> None:
        path = write(tmp_path / "a.csv", f'x,y\n{word},1\n"{word}",2\n')
        assert cells(path)["x"] == [None, word]

    def test_only_the_given_words_are_missing(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.csv", "country,y\nDE,1\nNA,2\n,3\n-,4\n")
        assert cells(path)["country"] == ["DE", None, None, "-"]
        assert cells(path, ReadOptions(missing=("",)))["country"] == ["DE", "NA", None, "-"]
        assert cells(path, ReadOptions(missing=("-",)))["country"] == ["DE", "NA", None, None]


class TestEmptyLines:
    def test_in_one_column_an_empty_line_is_a_missing_value(self, tmp_path: Path) -> None:
        assert cells(write(tmp_path / "a.csv", "x\n5\n\n-5\n")) == {"x": ["5", None, "-5"]}

    def test_in_several_columns_an_empty_line_is_no_row(self, tmp_path: Path) -> None:
        assert cells(write(tmp_path / "a.csv", "x,y\n\n5,1\n\n\n-5,2\n"))["x"] == ["5", "-5"]


class TestHeaders:
    def test_a_column_without_a_name_gets_one(self, tmp_path: Path) -> None:
        table = open_table(write(tmp_path / "a.csv", ",x,\n0,1,2\n"))
        assert table.columns == ["column 1", "x", "column 3"]
        assert len(table.notes) == 2
        assert "column 1 has no name" in table.notes[0]

    def test_equal_names_are_told_apart(self, tmp_path: Path) -> None:
        table = open_table(write(tmp_path / "a.csv", "x,x (2),x,y\n0,1,2,3\n"))
        assert table.columns == ["x", "x (2)", "x (3)", "y"]
        assert "columns 1 and 3 are both named 'x'; the latter is now 'x (3)'" in table.notes[0]
        assert table.doubles == {"x"}

    def test_without_a_header_the_names_are_numbers(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.csv", "1,a\n2,b\n")
        assert cells(path, ReadOptions(header=False)) == {"1": ["1", "2"], "2": ["a", "b"]}

    def test_a_file_of_numbers_without_a_header_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=r"a\.csv: line 1 contains only numbers.*--no-header"):
            open_table(write(tmp_path / "a.csv", "1,2.5\n2,3.5\n"))

    def test_rows_that_repeat_the_header_are_no_rows(self, tmp_path: Path) -> None:
        assert cells(write(tmp_path / "a.csv", "x,y\n1,a\nx,y\n2,b\nx,b\n"))["x"] == ["1", "2", "x"]


class TestRefusals:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "the file is empty"),
            (b" \r\n\n", "the file is empty"),
            (b"x,y\n1,2\n3,4,5\n", "line 3: 3 cells, but the header has 2"),
            (b"x,y\n1,2\n\n3\n", "line 4: 1 cells, but the header has 2"),
            (b'x,y\n"a\nb",2\n3\n', "line 4: 1 cells, but the header has 2"),
            (b'x,y\n1,2\n"3,4\n', "line 3: a quote opens here or later and never closes"),
            (b'x,"y\n1,2\n', "line 1: a quote opens here or later and never closes"),
            (b"x,y\n1,a\0b\n", "zero bytes"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0", "zero bytes"),
        ],
    )
    def test_name_the_line(self, tmp_path: Path, content: bytes, message: str) -> None:
        with pytest.raises(ValueError, match=message) as error:
            cells(write(tmp_path / "a.csv", content))
        assert str(error.value).startswith(f"{tmp_path / 'a.csv'}")
        assert "\n" not in str(error.value)

    def test_wrong_width_without_header_names_the_first_line(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="line 2: 3 cells, but the first line has 2"):
            cells(write(tmp_path / "a.csv", "1,2\n1,2,3\n"), ReadOptions(header=False))

    def test_a_wrong_byte_far_behind_names_its_line(self, tmp_path: Path) -> None:
        good = lines(lambda i: f"{i},{i}", 200_000)
        path = write(tmp_path / "a.csv", good.encode() + b"7,\xff\n")
        with pytest.raises(ValueError, match=r"line 200002: the byte 0xff is not UTF-8.*latin-1"):
            cells(path)

    def test_a_wrong_byte_of_the_given_encoding_names_its_line(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.csv", "x,y\n1,a\n2,ü\n")
        with pytest.raises(ValueError, match=r"a\.csv, line 3: the byte 0xc3 is not ascii"):
            cells(path, ReadOptions(encoding="ascii"))

    @pytest.mark.parametrize("encoding", ["klingon", "base64", "rot13", "", "a\0b"])
    def test_unknown_encodings(self, tmp_path: Path, encoding: str) -> None:
        with pytest.raises(ValueError, match="unknown encoding"):
            cells(write(tmp_path / "a.csv", "x,y\n1,2\n"), ReadOptions(encoding=encoding))

    @pytest.mark.parametrize("separator", ["ab", '"', "\n", "\r", "ü", "\0"])
    def test_impossible_separators(self, tmp_path: Path, separator: str) -> None:
        with pytest.raises(ValueError, match="the separator must be one ASCII character"):
            cells(write(tmp_path / "a.csv", "x,y\n1,2\n"), ReadOptions(separator=separator))

    @pytest.mark.parametrize("cut", range(1, 40, 3))
    def test_every_beginning_of_a_file_is_a_table_or_a_value_error(
        self, tmp_path: Path, cut: int
    ) -> None:
        content = b'\xef\xbb\xbfx,"y z"\r\n1,"m\xc3\xbcde\r\nx"\r\n2,b\r\n'
        path = write(tmp_path / "a.csv", content[:cut])
        try:
            found = cells(path)
        except ValueError as error:
            assert str(error).startswith(str(path))  # noqa: PT017
        else:
            assert next(iter(found)) in ("x", "column 1")
