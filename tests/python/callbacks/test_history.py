"""History: a dict of series, with the results of the run."""

import pickle
import sys

import pytest

from backpass.callbacks.history import History

SERIES = {"loss": [0.7, 0.5, 0.4], "lr": [0.1, 0.1, 0.1], "val_loss": [0.8, 0.6, 0.65]}


def test_is_a_mapping_of_float_lists() -> None:
    history = History({"loss": [1, 2]})
    assert history["loss"] == [1.0, 2.0]
    assert all(type(value) is float for value in history["loss"])
    assert list(History(SERIES)) == ["loss", "lr", "val_loss"]
    assert len(History(SERIES)) == 3
    assert "val_loss" in History(SERIES)
    assert "accuracy" not in History(SERIES)
    assert dict(History(SERIES)) == SERIES


def test_does_not_share_the_lists_it_is_given() -> None:
    values = [1.0]
    history = History({"loss": values})
    values.append(2.0)
    assert history["loss"] == [1.0]


def test_unknown_name_says_what_there_is() -> None:
    with pytest.raises(KeyError, match=r"unknown series 'acc'; there are: loss, lr, val_loss"):
        History(SERIES)["acc"]


def test_series_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match=r"same length.*'loss': 1.*'val_loss': 2"):
        History({"loss": [1.0], "val_loss": [1.0, 2.0]})


def test_counts_its_epochs() -> None:
    assert History(SERIES).epochs == 3
    assert History().epochs == 0


def test_pickles_and_compares() -> None:
    history = History(SERIES, best_epoch=1, stopped_early=True)
    again = pickle.loads(pickle.dumps(history))
    assert again == history
    assert (again.epochs, again.best_epoch, again.stopped_early) == (3, 1, True)
    assert history != History(SERIES)
    assert history != SERIES


@pytest.mark.parametrize(
    ("history", "text"),
    [
        (History(), "History(epochs=0)"),
        (History(SERIES), "History(epochs=3, loss=0.4, val_loss=0.65)"),
        (
            History(SERIES, best_epoch=1, stopped_early=True),
            "History(epochs=3, best_epoch=1, stopped_early=True, loss=0.4, val_loss=0.65)",
        ),
    ],
)
def test_repr_shows_the_last_values(history: History, text: str) -> None:
    assert repr(history) == text


RESTORED = History(SERIES, best_epoch=1, stopped_early=True, restored_best=True)


def test_repr_shows_the_best_epoch_if_it_was_restored() -> None:
    assert repr(RESTORED) == (
        "History(epochs=3, best_epoch=1, stopped_early=True, restored_best=True, loss=0.5, "
        "val_loss=0.6)"
    )


def test_a_table_for_notebooks() -> None:
    assert "<td>1 (best)</td><td>0.5</td><td>0.6</td>" in RESTORED._repr_html_()
    assert "<td>2</td><td>0.4</td>" in History(SERIES)._repr_html_()


def test_frames() -> None:
    import pandas as pd

    frame = RESTORED.to_frame()
    assert list(frame.columns) == list(SERIES)
    assert frame.index.name == "epoch"
    assert frame["val_loss"].tolist() == SERIES["val_loss"]
    assert pd.DataFrame(RESTORED).equals(frame.rename_axis(None))


def test_without_pandas_a_frame_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        RESTORED.to_frame()
