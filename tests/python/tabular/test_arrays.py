"""Data sets that are arrays: NPZ, NPY and IDX files, and the digits."""

import gzip
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backpass.tabular import load
from backpass.tabular.arrays import (
    ArrayData,
    ArrayEncoder,
    load_digits,
    read_arrays,
    read_idx,
    stack_numbers,
)
from backpass.tabular.sources import open_table
from tables import QUICK, learn, lines, write

IDX_CODES = {"u1": 0x08, "i1": 0x09, ">i2": 0x0B, ">i4": 0x0C, ">f4": 0x0D, ">f8": 0x0E}


def idx_bytes(array: np.ndarray[Any, Any], dtype: str = "u1") -> bytes:
    header = struct.pack(">HBB", 0, IDX_CODES[dtype], array.ndim)
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return header + sizes + array.astype(dtype).tobytes()


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

    @pytest.mark.parametrize("compress", [False, True])
    def test_every_truncation_is_an_error(self, tmp_path: Path, compress: bool) -> None:
        content = idx_bytes(np.arange(6).reshape(2, 3))
        content = gzip.compress(content) if compress else content
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

    def test_images_and_labels(self, tmp_path: Path) -> None:
        images = write(tmp_path / "x.idx", idx_bytes(np.arange(12).reshape(3, 2, 2)))
        labels = write(tmp_path / "y.idx", idx_bytes(np.array([2, 0, 1])))
        data = read_arrays(images, labels)
        assert data.x.tolist() == np.arange(12).reshape(3, 4).tolist()
        assert np.asarray(data.y).tolist() == [2, 0, 1]
        assert data.images

    def test_swapped_images_and_labels_are_refused(self, tmp_path: Path) -> None:
        images = write(tmp_path / "x.idx", idx_bytes(np.arange(12).reshape(3, 2, 2)))
        labels = write(tmp_path / "y.idx", idx_bytes(np.array([2, 0, 1])))
        with pytest.raises(ValueError, match=r"x\.idx: .*\(3, 2, 2\): the two files are swapped"):
            learn(labels, None, labels=images)

    def test_images_need_labels(self, tmp_path: Path) -> None:
        images = write(tmp_path / "x.idx", idx_bytes(np.arange(12).reshape(3, 2, 2)))
        with pytest.raises(ValueError, match=r"x\.idx: there is no target.*--labels"):
            learn(images, None)


class TestNumpyFiles:
    def test_npz_has_x_and_y(self, tmp_path: Path) -> None:
        x, y = np.arange(24.0).reshape(4, 3, 2), np.array([0, 1, 0, 1])
        np.savez_compressed(tmp_path / "a.npz", x=x, y=y)
        data = read_arrays(tmp_path / "a.npz")
        assert np.array_equal(data.x, x.reshape(4, 6))
        assert data.images
        assert np.array_equal(np.asarray(data.y), y)

    def test_npy_with_labels(self, tmp_path: Path) -> None:
        np.save(tmp_path / "x.npy", np.ones((3, 2)))
        np.save(tmp_path / "y.npy", np.array([1, 2, 3]))
        data = read_arrays(tmp_path / "x.npy", tmp_path / "y.npy")
        assert data.x.shape == (3, 2)
        assert np.asarray(data.y).tolist() == [1, 2, 3]

    @pytest.mark.parametrize(
        ("arrays", "message"),
        [
            ({"z": np.ones(3)}, "no array 'x'; it has: z"),
            ({"x": np.ones((3, 2)), "y": np.ones(4)}, "3 rows of inputs, but 4 of targets"),
            ({"x": np.array(["a"])}, "must be real numbers, got <U1"),
            ({"x": np.ones(3, complex)}, "must be real numbers, got complex128"),
            ({"x": np.float64(1)}, "single number"),
            ({"x": np.ones((0, 2))}, "there are no rows"),
            ({"x": np.array([[1.0], [np.nan]])}, "1 rows have missing.* the first is row 2"),
            ({"x": np.ones((3, 2)), "y": np.ones((3, 1, 1))}, r"got shape \(3, 1, 1\)"),
            ({"x": np.array([object()])}, "not a valid"),
        ],
    )
    def test_other_contents_are_refused(
        self, tmp_path: Path, arrays: dict[str, Any], message: str
    ) -> None:
        np.savez(tmp_path / "a.npz", **arrays)
        with pytest.raises(ValueError, match=rf"a\.npz.*{message}"):
            read_arrays(tmp_path / "a.npz")

    @pytest.mark.parametrize("suffix", ["npz", "npy"])
    def test_what_is_no_such_file_is_refused(self, tmp_path: Path, suffix: str) -> None:
        for content in (b"", b"hello", b"\x93NUMPY", idx_bytes(np.ones(3))):
            path = write(tmp_path / f"a.{suffix}", content)
            with pytest.raises(ValueError, match=rf"a\.{suffix}: not an \.{suffix} file"):
                read_arrays(path)

    def test_damage_is_a_value_error(self, tmp_path: Path) -> None:
        np.savez_compressed(tmp_path / "a.npz", x=np.arange(100.0))
        content = bytearray((tmp_path / "a.npz").read_bytes())
        content[60:80] = b"\xff" * 20
        with pytest.raises(ValueError, match=r"a\.npz: not a valid \.npz file"):
            read_arrays(write(tmp_path / "a.npz", bytes(content)))

    def test_several_targets(self, tmp_path: Path) -> None:
        x = np.linspace(-1, 1, 80).reshape(40, 2)
        np.savez(tmp_path / "a.npz", x=x, y=np.stack([x[:, 0] * 3 + 0.5, -x[:, 1]], axis=1))
        model = learn(tmp_path / "a.npz", None).outcome.model
        assert model.predict(tmp_path / "a.npz").shape == (40, 2)


class TestTargets:
    x = np.random.default_rng(0).normal(size=(60, 2))

    @pytest.mark.parametrize(
        ("y", "labels"),
        [
            ([1.0, 2.0] * 30, (1, 2)),
            (["b", "a"] * 30, ("a", "b")),
            ([True, False] * 30, (False, True)),
            (np.array([2**64 - 1, 2] * 30, np.uint64), (2, 2**64 - 1)),
        ],
    )
    def test_few_whole_numbers_and_texts_are_classes(
        self, tmp_path: Path, y: Any, labels: tuple[Any, ...]
    ) -> None:
        np.savez(tmp_path / "a.npz", x=self.x, y=np.asarray(y))
        model = learn(tmp_path / "a.npz", None).outcome.model
        assert model.target is not None
        assert model.target.labels == labels  # type: ignore[union-attr]
        model.save(tmp_path / "m.safetensors")
        predicted = load(tmp_path / "m.safetensors").predict(tmp_path / "a.npz").tolist()
        assert set(predicted) <= set(labels)
        assert predicted == model.predict(self.x).tolist()

    @pytest.mark.parametrize("y", [np.arange(60) * 0.5, np.array([1e200, 2e200, 3e200] * 20)])
    def test_other_numbers_are_quantities(self, tmp_path: Path, y: Any) -> None:
        np.savez(tmp_path / "a.npz", x=self.x, y=y)
        assert learn(tmp_path / "a.npz", None).outcome.task == "regression"

    @pytest.mark.parametrize(
        ("y", "task", "message"),
        [
            (["a"] * 60, "auto", "the single class 'a': nothing to learn"),
            ([f"c{i}" for i in range(60)], "auto", "60 classes in 60 rows"),
            (np.arange(60) * 0.5, "classification", "labels must be whole numbers or texts"),
            (["a", "b"] * 30, "regression", "is not numeric"),
            (np.ones((60, 2)), "classification", "class labels must be 1-D"),
            ([np.nan] * 60, "auto", "missing or infinite values"),
        ],
    )
    def test_what_cannot_be_learned(self, tmp_path: Path, y: Any, task: str, message: str) -> None:
        np.savez(tmp_path / "a.npz", x=self.x, y=np.asarray(y))
        with pytest.raises(ValueError, match=message):
            learn(tmp_path / "a.npz", None, settings=replace(QUICK, task=task))

    def test_swapped_npy_files_are_refused(self, tmp_path: Path) -> None:
        np.save(tmp_path / "x.npy", self.x)
        np.save(tmp_path / "y.npy", np.arange(60) % 2)
        with pytest.raises(ValueError, match=r"x\.npy: .* the two files are swapped"):
            learn(tmp_path / "y.npy", None, labels=tmp_path / "x.npy")


class TestEncoder:
    def test_no_finite_number_overflows(self) -> None:
        x = np.random.default_rng(0).uniform(-1.7, 1.7, (60, 2))
        expected = (x - x.mean(axis=0)) / x.std(axis=0)
        got = ArrayEncoder.fit(x * 1e308, shared=False).encode(x * 1e308, np.float32)
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)

    @pytest.mark.parametrize("shared", [False, True])
    def test_standardises_as_numpy_does(self, shared: bool) -> None:
        x = np.random.default_rng(0).normal([1.0, 100.0, -5.0], [1.0, 30.0, 0.1], (200, 3))
        axis = None if shared else 0
        expected = (x - x.mean(axis=axis)) / x.std(axis=axis)
        got = ArrayEncoder.fit(x, shared=shared).encode(x, np.float64)
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)

    @pytest.mark.parametrize("constant", [0.0, 0.1, 1e-300, 1e300, 3.3e15])
    def test_a_constant_becomes_zero(self, constant: float) -> None:
        x = np.full((1000, 1), constant)
        got = ArrayEncoder.fit(x, shared=False).encode(x, np.float64)
        assert np.abs(got).max() <= 1e-9 * max(1.0, constant)

    def test_the_width_must_agree(self) -> None:
        encoder = ArrayEncoder.fit(np.ones((3, 2)), shared=False)
        with pytest.raises(ValueError, match="the model has 2 inputs, but the data have 3"):
            encoder.encode(np.ones((3, 3)), np.float32)

    @pytest.mark.parametrize(
        "data",
        [
            None,
            {},
            {"mean": [1.0]},
            {"mean": [1.0], "scale": [0.0]},
            {"mean": [1.0], "scale": [-1.0]},
            {"mean": [1.0, 2.0], "scale": [1.0]},
            {"mean": [], "scale": []},
            {"mean": [[1.0]], "scale": [[1.0]]},
            {"mean": ["a"], "scale": [1.0]},
            {"mean": [float("nan")], "scale": [1.0]},
            {"mean": [10**400], "scale": [1.0]},
        ],
    )
    def test_damage_is_a_value_error(self, data: Any) -> None:
        with pytest.raises(ValueError, match="the encoding of the inputs is damaged"):
            ArrayEncoder.from_json(data)


def test_digits_are_those_of_scikit_learn() -> None:
    from sklearn.datasets import load_digits as original

    data = load_digits()
    assert np.array_equal(data.x, original().data)
    assert np.array_equal(np.asarray(data.y), original().target)


def test_rows_must_agree() -> None:
    with pytest.raises(ValueError, match="2 rows of inputs, but 3 of targets"):
        ArrayData("a", np.ones((2, 1)), np.ones(3))


def test_a_network_without_encoder_gets_the_numbers_of_a_table(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", lines(lambda i: f"{i},{i}.5", 3))
    assert stack_numbers(open_table(path)).tolist() == [[0, 0.5], [1, 1.5], [2, 2.5]]
    write(path, "x,y\n1,2\n3,a\n")
    with pytest.raises(ValueError, match="column 'y', row 2: the value is not a number"):
        stack_numbers(open_table(path))
