"""Models: predictions of every kind of input agree, and files are checked."""

import copy
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.feather
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import backpass as bp
from backpass.tabular import TableModel, load
from backpass.tabular.columns import Scale
from backpass.tabular.numbers import NumberStyle
from backpass.tabular.targets import NumberTarget
from command import Command
from tables import learn, lines, write

ROWS = 90


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    size = rng.normal(size=ROWS)
    size[::8] = np.nan
    return pd.DataFrame(
        {
            "customer": np.arange(ROWS) + 500,
            "size": size,
            "colour": [["red", "green", "blue", None][i % 4] for i in range(ROWS)],
            "when": pd.date_range("2020-01-01", periods=ROWS, freq="31h"),
            "count": pd.array([None if i % 9 == 0 else i % 5 for i in range(ROWS)], dtype="Int64"),
            "y": [["no", "yes"][i % 2] for i in range(ROWS)],
            "price": 1000.0 + 7 * np.arange(ROWS) % 23 + 0.5,
        }
    )


@pytest.fixture(scope="module")
def model() -> TableModel:
    return learn(frame().drop(columns="price")).outcome.model


@pytest.fixture(scope="module")
def regression() -> TableModel:
    return learn(frame().drop(columns="y"), "price").outcome.model


class TestPredict:
    @pytest.mark.parametrize("kind", ["csv", "parquet", "feather", "jsonl", "csv.gz"])
    def test_files_and_frames_give_the_same(
        self, model: TableModel, regression: TableModel, tmp_path: Path, kind: str
    ) -> None:
        path = tmp_path / f"a.{kind}"
        data = frame()
        if kind == "parquet":
            data.to_parquet(path)
        elif kind == "feather":
            pyarrow.feather.write_feather(data, path)
        elif kind == "jsonl":
            data.to_json(path, orient="records", lines=True, double_precision=15, date_format="iso")
            # JSON has 15 digits; the frame must have the same.
            data["size"] = [None if pd.isna(v) else float(f"{v:.15f}") for v in data["size"]]
        else:
            data.to_csv(path, index=False)
        assert np.array_equal(model.predict(path), model.predict(data))
        assert np.array_equal(model.predict_proba(path), model.predict_proba(data))
        assert np.array_equal(regression.predict(path), regression.predict(data))

    def test_the_command_gives_the_same(
        self, model: TableModel, regression: TableModel, tmp_path: Path, capsys: Any
    ) -> None:
        run = Command(capsys)
        frame().to_csv(tmp_path / "a.csv", index=False)
        model.save(tmp_path / "m.safetensors")
        regression.save(tmp_path / "r.safetensors")
        header, *table = run.ok(
            "predict", tmp_path / "m.safetensors", tmp_path / "a.csv", "--proba"
        ).table
        assert header == ["customer", "y", "P(no)", "P(yes)"]
        assert [row[0] for row in table] == [str(i) for i in frame()["customer"]]
        assert [row[1] for row in table] == model.predict(frame()).tolist()
        proba = np.array([row[2:] for row in table], float)
        assert np.array_equal(proba, model.predict_proba(frame()))
        _, *table = run.ok("predict", tmp_path / "r.safetensors", tmp_path / "a.csv").table
        assert [float(row[-1]) for row in table] == regression.predict(frame()).tolist()

    def test_the_network_gives_the_same_on_the_inputs_that_info_lists(
        self, model: TableModel, tmp_path: Path, capsys: Any
    ) -> None:
        """Encode rows by the printed formulas alone, as a program in C++ would do it."""
        model.save(tmp_path / "m.safetensors")
        text = Command(capsys).ok("info", tmp_path / "m.safetensors", "--inputs").out
        data = frame()
        when = data["when"].dt
        values: dict[str, Any] = {
            "size": data["size"],
            "count": data["count"].astype(float),
            "year of when": when.year,
            "month of when": when.month,
            "day of week of when": when.day_of_week,
            "hour of when": when.hour,
            "days of when": (data["when"] - pd.Timestamp(0)) / pd.Timedelta(days=1),
        }
        columns = []
        for number, line in enumerate(text.splitlines()):
            index, rest = line.split("  ", 1)
            assert int(index) == number
            name, how = rest.rsplit(": ", 1)
            if how == "1 if so, else 0":
                column, _, category = name.partition(" = ")
                missing = data[name.removesuffix(" is missing")] if "missing" in name else None
                of = missing.isna() if missing is not None else data[column] == category
                columns.append(of.to_numpy(float))
            else:
                mean, scale, median = (
                    float(part.strip(" ()").split(";")[0])
                    for part in (
                        how.split("-", 1)[1].split(")")[0],
                        how.split("/")[1],
                        how.split("x = ")[1].removesuffix(" if missing"),
                    )
                )
                x = pd.Series(values[name]).astype(float).fillna(median)
                columns.append(((x - mean) / scale).to_numpy())
        x32 = np.stack(columns, axis=1).astype(np.float32)
        assert np.array_equal(model.net.predict(x32).astype(float), model.predict_proba(data))

    def test_the_target_and_the_ids_may_be_missing(self, model: TableModel) -> None:
        less = frame().drop(columns=["y", "customer", "price"])
        assert np.array_equal(model.predict(less), model.predict(frame()))

    def test_one_row_is_as_good_as_many(self, model: TableModel) -> None:
        assert model.predict(frame().iloc[5:6]).tolist() == model.predict(frame())[5:6].tolist()

    def test_no_rows_are_no_predictions(self, model: TableModel) -> None:
        assert model.predict(frame().iloc[:0]).shape == (0,)
        assert model.predict_proba(frame().iloc[:0]).shape == (0, 2)

    def test_values_that_training_did_not_have_are_counted(
        self, model: TableModel, tmp_path: Path, capsys: Any
    ) -> None:
        data = frame()
        data.loc[:4, "colour"] = "pink"
        data.loc[:6, "when"] = None
        notes = [
            "column 'colour': 5 cells have new or rare values ('pink')",
            "column 'when': 7 cells are missing, as none in training",
        ]
        assert sorted(model.outputs(data).notes) == notes
        for predict in (model.predict, model.predict_proba):
            with pytest.warns(UserWarning, match="column") as warned:
                predict(data)
            assert sorted(str(one.message) for one in warned) == notes
            assert {one.filename for one in warned} == {__file__}
        data.to_csv(tmp_path / "a.csv", index=False)
        model.save(tmp_path / "m.safetensors")
        said = Command(capsys).ok("predict", tmp_path / "m.safetensors", tmp_path / "a.csv").err
        assert set(notes) <= set(said.splitlines())

    def test_a_missing_column_and_a_wrong_type_are_named(self, model: TableModel) -> None:
        with pytest.raises(ValueError, match="no column 'size'"):
            model.predict(frame().drop(columns="size"))
        with pytest.raises(ValueError, match="column 'when' must have dates"):
            model.predict(frame().assign(when=1))
        with pytest.raises(ValueError, match="column 'size' must be numeric"):
            model.predict(frame().assign(size=frame()["when"]))

    def test_labels_keep_their_type(self) -> None:
        for y in ([True, False] * 30, [1, 2] * 30, [2**64 - 1, 3] * 30, ["a", "b"] * 30):
            data = {"x": [1.5, 0.5, 2.5] * 20, "y": y}
            predicted = learn(data).outcome.model.predict(data)
            assert set(predicted.tolist()) <= set(y)
            assert {type(v) for v in predicted.tolist()} == {type(y[0])}

    def test_numbers_have_no_probabilities(self, regression: TableModel) -> None:
        with pytest.raises(TypeError, match="does not predict classes"):
            regression.predict_proba(frame())

    def test_a_network_without_encoder_takes_numbers(self, tmp_path: Path) -> None:
        net = bp.Network([2, 3], seed=0)
        net.save(tmp_path / "m.safetensors")
        plain = load(tmp_path / "m.safetensors")
        x = np.arange(6.0).reshape(3, 2)
        path = write(tmp_path / "a.csv", lines(lambda i: f"{2 * i},{2 * i + 1}", 3))
        assert np.array_equal(plain.predict(path), net.predict(x.astype(np.float32)))
        assert np.array_equal(plain.predict(x), plain.predict(path))
        with pytest.raises(ValueError, match="the network has 2 inputs, the data have 1"):
            plain.predict({"x": [1.0]})


class TestFiles:
    def test_a_saved_model_predicts_the_same(
        self, model: TableModel, regression: TableModel, tmp_path: Path
    ) -> None:
        for original in (model, regression):
            original.save(tmp_path / "m.safetensors")
            loaded = load(tmp_path / "m.safetensors")
            assert loaded.encoder == original.encoder
            assert loaded.target == original.target
            assert loaded.ids == original.ids
            assert np.array_equal(loaded.predict(frame()), original.predict(frame()))

    def test_the_metadata_are_plain_json(self, model: TableModel) -> None:
        table = json.loads(model.metadata()["table"])
        assert sorted(table) == ["ids", "inputs", "target", "version"]

    def test_bp_load_warns_once_and_names_the_call(self, model: TableModel, tmp_path: Path) -> None:
        path = tmp_path / "m.safetensors"
        model.save(path)
        with pytest.warns(UserWarning, match=r"backpass\.tabular\.load\(path\)") as caught:
            net = bp.load(path)
        assert len(caught) == 1
        assert caught[0].filename == __file__
        assert net.sizes == model.net.sizes
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            load(path)
            net.save(path)
            bp.load(path)

    def test_sizes_must_match_the_network(self, model: TableModel, tmp_path: Path) -> None:
        bp.Network([3, 2]).save(tmp_path / "m.safetensors", metadata=model.metadata())
        with pytest.raises(ValueError, match=r"m\.safetensors: the table is for \d+ inputs and 2"):
            load(tmp_path / "m.safetensors")

    def test_another_version_says_so(self, model: TableModel, tmp_path: Path) -> None:
        table = json.loads(model.metadata()["table"])
        path = tmp_path / "m.safetensors"
        model.net.save(path, metadata={"table": json.dumps({**table, "version": 99})})
        with pytest.raises(ValueError, match="version 99, but this program reads version 1"):
            load(path)

    @pytest.mark.parametrize("training", ["", "[", "[1]", "3", "[" * 100_000])
    def test_unreadable_facts_about_the_training_do_no_harm(
        self, model: TableModel, tmp_path: Path, training: str
    ) -> None:
        path = tmp_path / "m.safetensors"
        model.net.save(path, metadata={**model.metadata(), "training": training})
        assert load(path).training == {}


def try_metadata(model: TableModel, path: Path, table: str) -> bool:
    """Return whether a file with such metadata is a model that predicts."""
    model.net.save(path, metadata={"table": table})
    try:
        loaded = load(path)
        predicted = loaded.predict(frame())
    except ValueError as error:
        assert len(str(error)) < 2000  # noqa: PT017
        return False
    assert predicted.shape == (ROWS,)
    return True


def test_every_truncation_of_the_metadata_is_a_value_error(
    model: TableModel, tmp_path: Path
) -> None:
    text = model.metadata()["table"]
    for size in range(0, len(text), 19):
        assert not try_metadata(model, tmp_path / "m.safetensors", text[:size])
    assert try_metadata(model, tmp_path / "m.safetensors", text)


@pytest.mark.parametrize("table", ["", "null", "3", "[]", "{}", "[" * 100_000, '{"version": 1}'])
def test_other_json_is_a_value_error(model: TableModel, tmp_path: Path, table: str) -> None:
    assert not try_metadata(model, tmp_path / "m.safetensors", table)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([10**400, 1e308, -1e308, 5e-324, float("nan"), float("inf")])
    | st.sampled_from(
        ["number", "category", "date", ".", ",", "%Y", "%", "ISO8601", "year", "(", ""]
    )
    | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["kind", "name", "scale", "year"]), inner, max_size=2)
    ),
    max_leaves=4,
)


# A changed category makes cells of the table unknown, and a prediction warns of them.
@pytest.mark.filterwarnings("ignore:column .* new or rare value:UserWarning")
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_every_change_of_the_metadata_is_a_value_error_or_a_working_model(
    model: TableModel, tmp_path: Path, data: st.DataObject
) -> None:
    document = json.loads(model.metadata()["table"])
    for _ in range(data.draw(st.integers(1, 2))):
        places: list[tuple[Any, Any]] = []
        todo = [document]
        while todo:
            value = todo.pop()
            keys = value if isinstance(value, dict) else range(len(value))
            places += [(value, key) for key in keys]
            todo += [value[key] for key in keys if isinstance(value[key], (dict, list))]
        parent, key = data.draw(st.sampled_from(places))
        if data.draw(st.booleans()):
            del parent[key]
        else:
            parent[key] = copy.deepcopy(data.draw(VALUES))
    try_metadata(model, tmp_path / "m.safetensors", json.dumps(document))


def test_extreme_scales_of_a_target_do_not_warn(tmp_path: Path) -> None:
    target = NumberTarget(("y",), (NumberStyle(),), (Scale(0.0, 1e308, 1e308),))
    assert target.decode(np.array([[1e30]])).tolist() == [[float("inf")]]
