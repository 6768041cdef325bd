"""The result of a training, and the options of a run that do not change the network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from backpass.tabular.pictures import draw
from backpass.tabular.scores import Scores, fold_lines, test_lines, unit_of

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from backpass.callbacks.history import History
    from backpass.callbacks.progress import ProgressMode
    from backpass.tabular.model import TableModel
    from backpass.tabular.targets import Target


@dataclass(frozen=True, repr=False)
class Outcome:
    """A trained model with its history and its scores. ``print(outcome)`` shows the report.

    Attributes
    ----------
    model : TableModel
    histories : list of History
        One per member of the model.
    task, loss : str
    rows : dict of str to int
        Numbers of rows for "train", "validation" and "test".
    test : Scores or None
        Of the test rows, if there are any.
    folds : list of dict
        The scores of each fold of a cross-validation.
    plan, notes : list of str
        A table of the columns and of what becomes of them, and what else a user should know.
    interrupted : bool
        Whether Ctrl-C ended the training. The model is then that of the last step.
    seconds : float
        Duration of the training.
    """

    model: TableModel
    histories: list[History]
    task: str
    loss: str
    rows: dict[str, int]
    test: Scores | None
    folds: list[dict[str, float]]
    plan: list[str]
    notes: list[str]
    interrupted: bool
    seconds: float

    def __repr__(self) -> str:
        """Return the model and the scores."""
        test = None if self.test is None else self.test.values
        return f"Outcome(model={self.model!r}, test={test})"

    def __str__(self) -> str:
        """Return the report: the scores of the test rows beside those of the simplest guess."""
        smoothing = float(self.model.training["settings"]["label_smoothing"])
        unit = unit_of(self._target, self.loss, smoothing)
        return "\n".join([*test_lines(self._target, self.test, unit), *fold_lines(self.folds)])

    @property
    def history(self) -> History:
        """The history of the network; of an ensemble, that of the first member."""
        return self.histories[0]

    @property
    def _target(self) -> Target:
        target = self.model.target
        assert target is not None  # noqa: S101
        return target

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw the learning curves, and the confusion matrix or the predictions of the test rows.

        Parameters
        ----------
        path : path
            An image file; its suffix tells the format, e.g. ``.png`` or ``.svg``. Needs the extra
            ``plot``.
        """
        draw(path, self.history, self._target, self.test, "test")


@dataclass(frozen=True)
class Extra:
    """Options of a run that do not change the network.

    Attributes
    ----------
    validation, test : path, data frame, optional
        Rows for validation and test, instead of a share of the data.
    folds : int, optional
        Number of folds of a cross-validation before the training.
    checkpoint, resume_from : path, optional
        See `Network.fit`.
    progress : {"auto", True, False}
    report : callable
        Called with lines of text for the user.
    communicator : mpi4py.MPI.Comm, optional
        See `Network.fit`. All processes read the same data. Each trains with a part of the rows.
    shards : int, optional
        See `Network.fit`.
    """

    validation: Any = None
    test: Any = None
    folds: int | None = None
    checkpoint: str | os.PathLike[str] | None = None
    resume_from: str | os.PathLike[str] | None = None
    progress: ProgressMode = "auto"
    report: Callable[[str], None] = field(default=lambda _: None)
    communicator: Any = None
    shards: int | None = None
