"""Readers of data sets: the contents of valid files, and a clear error for every invalid one."""

import bz2
import gzip
import io
import itertools
import lzma
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backpass.cli.tables.data import (
    Dataset,
    kind_of,
    load_digits,
    read_csv,
    read_dataset,
    read_idx,
    read_npz,
    split_rows,
)

IDX_CODES = {"u1": 0x08, "i1": 0x09, ">i2": 0x0B, ">i4": 0x0C, ">f4": 0x0D, ">f8": 0x0E}


def idx_bytes(array: np.ndarray[Any, Any], dtype: str = "u1") -> bytes:
    header = struct.pack(">HBB", 0, IDX_CODES[dtype], array.ndim)
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return header + sizes + array.astype(dtype).tobytes()


def write(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


class TestIdx:
    @pytest.mark.parametrize("dtype", IDX_CODES)
    @pytest.mark.parametrize("compress", [False, True])
    @pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 4), (0, 4)])
    def test_reads_every_type(
        self, tmp_path: Path, dtype: str, compress: bool, shape: tuple[int, ...]
    ) -> None:
        array = np.arange(np.prod(shape)).reshape(shape)
        content = idx_bytes(array, dtype)
        got = read_idx(write(tmp_path / "a", gzip.compress(content) if compress else content))
        assert got.dtype == np.dtype(dtype).newbyteorder("=")
        assert got.dtype.isnative
        assert np.array_equal(got, array)
        assert got.shape == shape
        assert got.flags.writeable

    def test_every_truncation_is_an_error(self, tmp_path: Path) -> None:
        content = idx_bytes(np.arange(6).reshape(2, 3))
        for length in range(len(content)):
            with pytest.raises(ValueError, match="a: "):
                read_idx(write(tmp_path / "a", content[:length]))

    def test_every_truncation_of_a_compressed_file_is_an_error(self, tmp_path: Path) -> None:
        content = gzip.compress(idx_bytes(np.arange(6).reshape(2, 3)))
        for length in range(len(content)):
            with pytest.raises(ValueError, match="a: "):
                read_idx(write(tmp_path / "a", content[:length]))

    def test_bytes_too_many_are_an_error(self, tmp_path: Path) -> None:
        content = idx_bytes(np.arange(6).reshape(2, 3)) + b"\0"
        with pytest.raises(ValueError, match=r"shape \(2, 3\) has 6 bytes, the file has 7"):
            read_idx(write(tmp_path / "a", content))

    def test_huge_sizes_are_an_error_and_not_an_allocation(self, tmp_path: Path) -> None:
        # The product is 2^128, which is 0 modulo 2^64.
        content = struct.pack(">HBB", 0, 0x08, 4) + struct.pack(">4I", *[2**31] * 4)
        with pytest.raises(ValueError, match="the file has 0"):
            read_idx(write(tmp_path / "a", content))

    @pytest.mark.parametrize("magic", [b"\0\1\x08\1", b"\1\0\x08\1", b"\0\0\x0a\1", b"\0\0\x08\0"])
    def test_wrong_magic_is_an_error(self, tmp_path: Path, magic: bytes) -> None:
        with pytest.raises(ValueError, match="not an IDX file"):
            read_idx(write(tmp_path / "a", magic + b"\0\0\0\1\0"))

    def test_missing_file_is_an_os_error(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            read_idx(tmp_path / "a")


class TestNpz:
    def test_reads_x_and_y(self, tmp_path: Path) -> None:
        x, y = np.arange(12.0).reshape(4, 3), np.array([0, 1, 0, 1])
        np.savez(tmp_path / "a.npz", x=x, y=y)
        data = read_npz(tmp_path / "a.npz")
        assert np.array_equal(data.inputs["x"], x)
        assert data.target is not None
        assert np.array_equal(data.target, y)
        assert not data.images
        assert data.rows == 4

    def test_flattens_images(self, tmp_path: Path) -> None:
        x = np.arange(24).reshape(2, 3, 4)
        np.savez_compressed(tmp_path / "a.npz", x=x)
        data = read_npz(tmp_path / "a.npz")
        assert np.array_equal(data.inputs["x"], x.reshape(2, 12))
        assert data.images
        assert data.target is None

    def test_single_target_column_becomes_flat(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "a.npz", x=np.ones((3, 2)), y=np.ones((3, 1)))
        target = read_npz(tmp_path / "a.npz").target
        assert target is not None
        assert target.shape == (3,)

    @pytest.mark.parametrize(
        ("arrays", "message"),
        [
            ({"z": np.ones(3)}, "no array 'x'; it has: z"),
            ({"x": np.ones((3, 2)), "y": np.ones(4)}, "same number of rows.*'x': 3, 'y': 4"),
            ({"x": np.array(["a"])}, "must be real numbers, got <U1"),
            ({"x": np.ones(3, complex)}, "must be real numbers, got complex128"),
            ({"x": np.float64(1)}, "single number"),
            ({"x": np.ones((3, 2)), "y": np.ones((3, 1, 1))}, r"got shape \(3, 1, 1\)"),
        ],
    )
    def test_refuses_other_contents(
        self, tmp_path: Path, arrays: dict[str, Any], message: str
    ) -> None:
        np.savez(tmp_path / "a.npz", **arrays)
        with pytest.raises(ValueError, match=message):
            read_npz(tmp_path / "a.npz")

    def test_refuses_pickled_objects(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "a.npz", x=np.array([object()]))
        with pytest.raises(ValueError, match=r"a\.npz"):
            read_npz(tmp_path / "a.npz")

    def test_refuses_what_is_no_zip(self, tmp_path: Path) -> None:
        for content in (b"", b"hello", idx_bytes(np.ones(3))):
            with pytest.raises(ValueError, match=r"a\.npz: not an \.npz file"):
                read_npz(write(tmp_path / "a.npz", content))

    def test_damage_is_a_value_error(self, tmp_path: Path) -> None:
        np.savez_compressed(tmp_path / "a.npz", x=np.arange(100.0))
        content = bytearray((tmp_path / "a.npz").read_bytes())
        content[60:80] = b"\xff" * 20
        with pytest.raises(ValueError, match=r"a\.npz"):
            read_npz(write(tmp_path / "a.npz", bytes(content)))


def in_zip(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", content)
    return file.getvalue()


def in_tar(content: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        member = tarfile.TarInfo("a.csv")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


COMPRESSIONS = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zip": in_zip,
    "tar.gz": in_tar,
}


class TestCsv:
    def test_numbers_texts_and_booleans(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.csv", "i,f,t,b,y\n1,0.5, red,True,u\n2,1e3,blue,False,v\n")
        data = read_csv(path, target="y")
        assert list(data.inputs) == ["i", "f", "t", "b"]
        assert [data.inputs[name].dtype.kind for name in "iftb"] == ["i", "f", "O", "b"]
        assert data.inputs["f"].tolist() == [0.5, 1000.0]
        assert data.inputs["t"].tolist() == ["red", "blue"]
        assert data.target is not None
        assert data.target.tolist() == ["u", "v"]
        assert data.target_name == "y"

    def test_missing_values_are_nan_or_none(self, tmp_path: Path) -> None:
        data = read_csv(write(tmp_path / "a.csv", "n,t\n1,\n,x\n"))
        assert np.isnan(data.inputs["n"][1])
        assert data.inputs["t"].tolist() == [None, "x"]

    def test_text_columns_keep_their_spelling(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.csv", "zip,n\n01234,1\n1,2\n")
        assert read_csv(path, as_text=["zip", "other"]).inputs["zip"].tolist() == ["01234", "1"]
        assert read_csv(path).inputs["zip"].tolist() == [1234, 1]

    def test_drops_columns(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.csv", "a,b,c\n1,2,3\n")
        assert list(read_csv(path, target="c", drop=["a"]).inputs) == ["b"]

    def test_reads_compressed_files_and_a_byte_order_mark(self, tmp_path: Path) -> None:
        content = "\ufeffa,b\n1,2\n".encode()
        data = read_csv(write(tmp_path / "a.csv.gz", gzip.compress(content)))
        assert list(data.inputs) == ["a", "b"]

    @pytest.mark.parametrize("kind", COMPRESSIONS)
    def test_damage_of_compressed_files_is_a_value_error(self, tmp_path: Path, kind: str) -> None:
        table = "a,b\n" + "".join(f"{i},{i * i}\n" for i in range(60))
        whole = COMPRESSIONS[kind](table.encode())
        path = write(tmp_path / f"a.csv.{kind}", whole)
        assert read_csv(path).inputs["b"].tolist() == [i * i for i in range(60)]
        rng = np.random.default_rng(0)
        damaged = [whole[:length] for length in range(1, len(whole) - 1, max(1, len(whole) // 40))]
        for place in rng.integers(len(whole), size=80):
            changed = bytearray(whole)
            changed[place] ^= int(rng.integers(1, 256))
            damaged.append(bytes(changed))
        messages = []
        for content in damaged:
            write(path, content)
            try:
                read_csv(path)  # some changed bytes are valid
            except ValueError as error:
                messages.append(str(error))
        assert len(messages) >= 10
        assert all(message.startswith(f"{path}: ") for message in messages)

    def test_the_systems_own_errors_stay(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError) as error:
            read_csv(tmp_path / "a.csv.gz")
        assert error.value.filename == str(tmp_path / "a.csv.gz")
        with pytest.raises(IsADirectoryError):
            read_csv(tmp_path)

    def test_encrypted_files_are_a_value_error(self, tmp_path: Path) -> None:
        content = bytearray(in_zip(b"a,b\n1,2\n"))
        for header, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
            content[content.index(header) + flags] |= 1
        with pytest.raises(ValueError, match=r"a\.csv\.zip: cannot be decompressed: .*encrypted"):
            read_csv(write(tmp_path / "a.csv.zip", bytes(content)))

    @pytest.mark.parametrize(
        ("text", "options", "message"),
        [
            ("a,b\n1,2\n", {"target": "y"}, "no column 'y'; it has: a, b"),
            ("a,b\n1,2\n", {"drop": ["z"]}, "no column 'z'"),
            ("", {}, "not a CSV table"),
            ("a,b\n1,2\n3,4,5\n", {}, "not a CSV table"),
            ("a,b\n1,2,3\n4,5,6\n", {}, "not a CSV table"),  # no silent index column
            ("y\n1\n", {"target": "y"}, "no input column"),
        ],
    )
    def test_refuses(
        self, tmp_path: Path, text: str, options: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ValueError, match=message):
            read_csv(write(tmp_path / "a.csv", text), **options)

    def test_refuses_other_encodings(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="not a CSV table"):
            read_csv(write(tmp_path / "a.csv", b"a,b\n\xff\xfe,2\n"))


class TestByName:
    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("digits", "digits"),
            ("folder/digits", "csv"),
            ("a.NPZ", "npz"),
            ("train-images-idx3-ubyte", "idx"),
            ("train-images-idx3-ubyte.gz", "idx"),
            ("train-images.idx3-ubyte", "idx"),
            ("a.idx", "idx"),
            ("a.csv", "csv"),
            ("a.csv.gz", "csv"),
            ("a.txt", "csv"),
        ],
    )
    def test_kinds(self, name: str, kind: str) -> None:
        assert kind_of(name) == kind

    def test_idx_with_labels(self, tmp_path: Path) -> None:
        images = write(tmp_path / "x.idx", idx_bytes(np.arange(12).reshape(3, 2, 2)))
        labels = write(tmp_path / "y.idx", idx_bytes(np.array([2, 0, 1])))
        data = read_dataset(images, labels=labels)
        assert data.inputs["x"].shape == (3, 4)
        assert data.target is not None
        assert data.target.tolist() == [2, 0, 1]
        assert data.images

    def test_digits(self) -> None:
        data = read_dataset("digits")
        assert data.inputs["x"].shape == (1797, 64)
        assert data.target is not None
        assert set(data.target.tolist()) == set(range(10))
        assert np.array_equal(load_digits().inputs["x"], data.inputs["x"])

    def test_columns_of_different_lengths(self) -> None:
        with pytest.raises(ValueError, match="'a': 2, 'b': 3"):
            Dataset({"a": np.ones(2), "b": np.ones(3)})


class TestSplit:
    @pytest.mark.parametrize("rows", [1, 2, 10, 1797])
    def test_every_row_is_in_one_part(self, rows: int) -> None:
        shares = {} if rows == 1 else {"test": 0.3} if rows == 2 else {"test": 0.2, "val": 0.1}
        parts = split_rows(rows, shares, seed=3)
        assert sorted(itertools.chain(*map(list, parts.values()))) == list(range(rows))
        for name, share in shares.items():
            assert len(parts[name]) == round(rows * share)

    def test_the_seed_decides(self) -> None:
        def test_rows(seed: int) -> list[int]:
            return split_rows(100, {"test": 0.2}, seed)["test"].tolist()

        assert test_rows(0) == test_rows(0)
        assert test_rows(0) != test_rows(1)
        assert sorted(test_rows(0)) != list(range(20))

    @pytest.mark.parametrize(
        ("rows", "shares", "message"),
        [
            (10, {"test": 1.0}, r"test rows must be in \[0, 1\), got 1\.0"),
            (10, {"test": -0.1}, "got -0.1"),
            (10, {"test": float("nan")}, "got nan"),
            (3, {"test": 0.1}, "3 rows are too few to put a share of 0.1 into test"),
            (10, {"test": 0.5, "val": 0.5}, "leave no row of 10"),
            (0, {}, "leave no row of 0"),
        ],
    )
    def test_refuses(self, rows: int, shares: dict[str, float], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            split_rows(rows, shares, seed=0)
