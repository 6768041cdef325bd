"""Inputs of other libraries: pandas, PyTorch, SciPy, masked arrays, bfloat16, seeds."""

import decimal

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

import backpass as bp

NET = bp.Network([3, 4, 2], seed=0)
NAN = float("nan")


@pytest.mark.parametrize(
    ("column", "numbers"),
    [
        (pd.Series([True, False, True]), [1, 0, 1]),
        (pd.Series([1, None, 3], dtype="Int64"), [1, NAN, 3]),
        (pd.Series([1, 2, 3], dtype="UInt8"), [1, 2, 3]),
        (pd.Series([0.5, None, 1.5], dtype="Float32"), [0.5, NAN, 1.5]),
        (pd.Series([True, None, False], dtype="boolean"), [1, NAN, 0]),
        (pd.Series(pd.Categorical([2, 1, 2])), [2, 1, 2]),
        (pd.Series(pd.Categorical([0.5, None, 1.5])), [0.5, NAN, 1.5]),
        (pd.Series([1, 2.5, None], dtype=object), [1, 2.5, NAN]),
        (pd.Series(pd.Categorical([3, None, 4])), [3, NAN, 4]),
        (pd.Series([0, 0, 1], dtype=pd.SparseDtype("int64", 0)), [0, 0, 1]),
        (pd.Series([decimal.Decimal("0.5"), 2, 3], dtype=object), [0.5, 2, 3]),
        (pd.Series([None, None, None], dtype=object), [NAN, NAN, NAN]),
    ],
    ids=lambda value: str(value.dtype) if isinstance(value, pd.Series) else "",
)
def test_columns_of_numbers_are_taken(column, numbers):
    frame = pd.DataFrame({"a": [0.5, 1.5, 2.5], "b": column, "c": [1, 2, 3]})
    array = np.column_stack([frame["a"], numbers, frame["c"]]).astype(np.float64)
    np.testing.assert_array_equal(NET.predict(frame), NET.predict(array))
    one = bp.Network([1, 2], seed=0)
    np.testing.assert_array_equal(
        one.predict(frame[["b"]]), one.predict(np.array(numbers, dtype=float)[:, None])
    )


def test_labels_of_a_nullable_column():
    net = bp.Network([3, 2], output="softmax", seed=0)
    x, labels = np.eye(3), pd.Series([0, 1, 1], dtype="Int64")
    assert net.evaluate(x, labels, loss="cross_entropy") == net.evaluate(
        x, [0, 1, 1], loss="cross_entropy"
    )


@pytest.mark.parametrize(
    ("column", "shown"),
    [
        (["Rome", "Oslo", None], "'Rome'"),
        (pd.Categorical(["x", "y", "x"]), "'x'"),
        (pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-03"]), "2026-01-01"),
        (["1", "2", "3"], "'1'"),
        ([1, "2", 3], "'2'"),
    ],
)
def test_a_column_of_something_else_is_refused_by_name(column, shown):
    frame = pd.DataFrame({"a": [0.5, 1.5, 2.5], "city": column, "c": [1, 2, 3]})
    with pytest.raises(TypeError, match=rf"x: column 'city' has dtype .*{shown}.*get_dummies"):
        NET.predict(frame)
    with pytest.raises(TypeError, match=r"y has dtype .*not numbers"):
        bp.Network([3, 1]).evaluate(np.eye(3), frame["city"], loss="mse")


def test_a_number_beyond_the_range_names_the_column():
    with pytest.raises(TypeError, match="column 'a' has a number beyond the range of int64"):
        NET.predict(pd.DataFrame({"a": [10**400, 1], "b": [True, False], "c": [1, 2]}))


def test_subclasses_of_frames_and_object_labels():
    class Frame(pd.DataFrame):
        pass

    frame = Frame({"a": [0.5, 1.5], "b": [True, False], "c": [1, 2]})
    assert NET.predict(frame).shape == (2, 2)
    net = bp.Network([3, 2], output="softmax", seed=0)
    assert net.evaluate(frame, pd.Series([0, 1], dtype=object), loss="cross_entropy") > 0


def test_a_frame_of_one_plain_type_is_not_copied_by_column():
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(9, 3)))
    np.testing.assert_array_equal(NET.predict(frame), NET.predict(frame.to_numpy()))
    assert NET.predict(frame[:0]).shape == (0, 2)


def test_masked_arrays():
    x = np.ma.masked_array(np.ones((4, 3)), False)
    assert NET.predict(x).shape == (4, 2)
    x[1, 2] = np.ma.masked
    with pytest.raises(TypeError, match=r"x is a masked array with 1 masked values.*filled"):
        NET.predict(x)


@pytest.mark.parametrize("kind", [scipy.sparse.csr_matrix, scipy.sparse.coo_array])
def test_sparse_matrices_are_refused_by_name(kind):
    with pytest.raises(TypeError, match=rf"x is a sparse {kind.__name__} .*toarray"):
        NET.predict(kind(np.eye(3)))


def test_bfloat16_of_ml_dtypes():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = np.linspace(-1, 1, 12).reshape(4, 3).astype(ml_dtypes.bfloat16)
    np.testing.assert_array_equal(NET.predict(x), NET.predict(x.astype(np.float32)))


def test_tensors_of_pytorch():
    torch = pytest.importorskip("torch")
    x = torch.linspace(-1, 1, 12).reshape(4, 3)
    wanted = NET.predict(x.numpy())
    np.testing.assert_array_equal(NET.predict(x.requires_grad_()), wanted)
    narrow = x.bfloat16()
    np.testing.assert_array_equal(NET.predict(narrow), NET.predict(narrow.detach().float().numpy()))


@pytest.mark.parametrize(
    "make",
    [
        lambda: 5,
        lambda: np.int64(5),
        lambda: np.random.SeedSequence(5),
        lambda: np.random.default_rng(5),
    ],
)
def test_seeds(make):
    first, second = bp.Network([3, 2], seed=make()), bp.Network([3, 2], seed=make())
    np.testing.assert_array_equal(first.parameters, second.parameters)
    first.initialize(make())
    second.initialize(make())
    np.testing.assert_array_equal(first.parameters, second.parameters)
    for net in (first, second):
        net.fit(
            np.eye(3),
            np.eye(3)[:, :2],
            loss="mse",
            optimizer="sgd",
            epochs=2,
            batch_size=1,
            seed=make(),
            progress=False,
        )
    np.testing.assert_array_equal(first.parameters, second.parameters)


def test_a_generator_gives_a_new_seed_each_time():
    rng = np.random.default_rng(0)
    first, second = bp.Network([3, 2], seed=rng), bp.Network([3, 2], seed=rng)
    assert not np.array_equal(first.parameters, second.parameters)


@pytest.mark.parametrize("seed", ["1", 1.5, -1, 2**64])
def test_other_seeds_are_refused(seed):
    with pytest.raises((TypeError, ValueError), match="seed"):
        bp.Network([3, 2], seed=seed)


def test_frames_of_polars():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"a": [0.5, 1.5], "b": [True, False], "c": [1, 2]})
    expected = NET.predict(np.array([[0.5, 1, 1], [1.5, 0, 2]]))
    np.testing.assert_array_equal(NET.predict(frame), expected)
    frame = frame.with_columns(b=polars.Series(["Rome", "Oslo"]))
    with pytest.raises(TypeError, match=r"x: column 'b' has dtype String, not numbers; encode it"):
        NET.predict(frame)
