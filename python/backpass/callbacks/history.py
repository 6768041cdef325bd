"""The record of a training run."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from backpass._arguments import suggestion

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    import pandas
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Series that do not measure the success of the training: learning rate and time.
BOOKKEEPING = ("lr", "seconds")


class History(dict[str, list[float]]):
    """Result of `Network.fit`: named series with one number per epoch.

    A dict from name to list of floats: ``"loss"``, ``"lr"``, ``"seconds"``, the name of every
    metric, and, with validation data, ``"val_…"`` of the loss and of every metric.

    Parameters
    ----------
    series : mapping of str to sequence of float
        The series. All have the same length, the number of epochs.
    epochs : int, optional
        Number of epochs; by default the length of the series.
    best_epoch : int, optional
        Zero-based epoch with the best monitored value, with early stopping.
    stopped_early : bool
        Whether early stopping or a callback stopped the training before the end of the last
        planned epoch.
    restored_best : bool
        Whether the network has the parameters of `best_epoch`.

    Raises
    ------
    ValueError
        If the series do not have the same length.

    Examples
    --------
    >>> history = History({"loss": [0.7, 0.4], "val_loss": [0.8, 0.6]})
    >>> history["loss"]
    [0.7, 0.4]
    >>> history
    History(epochs=2, loss=0.4, val_loss=0.6)
    """

    epochs: int
    best_epoch: int | None
    stopped_early: bool
    restored_best: bool

    def __init__(
        self,
        series: Mapping[str, Sequence[float]] | None = None,
        *,
        epochs: int | None = None,
        best_epoch: int | None = None,
        stopped_early: bool = False,
        restored_best: bool = False,
    ) -> None:
        super().__init__(
            {name: [float(value) for value in values] for name, values in (series or {}).items()}
        )
        lengths = {name: len(values) for name, values in self.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"the series of a history must have the same length, got {lengths}")
        self.epochs = max(lengths.values(), default=0) if epochs is None else epochs
        self.best_epoch = best_epoch
        self.stopped_early = stopped_early
        self.restored_best = restored_best

    def __missing__(self, name: str) -> list[float]:
        raise KeyError(f"unknown series {name!r}{suggestion(name, self)}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, History) and super().__eq__(other) and vars(self) == vars(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # contains mutable lists

    def __repr__(self) -> str:
        parts = [f"epochs={self.epochs}"]
        if self.best_epoch is not None:
            parts.append(f"best_epoch={self.best_epoch}")
        if self.stopped_early:
            parts.append("stopped_early=True")
        if self.restored_best:
            parts.append("restored_best=True")
        parts += [f"{name}={value:.4g}" for name, value in self._result().items()]
        return f"History({', '.join(parts)})"

    def _repr_html_(self) -> str:
        """Return a table for notebooks: the last epoch, and the best one if it was restored."""
        result = self._result()
        heads = "".join(f"<th>{escape(name)}</th>" for name in ("epoch", *result))
        cells = "".join(f"<td>{value:.4g}</td>" for value in result.values())
        best = self.best_epoch if self.restored_best else None
        last = f"{self.epochs - 1}" if self.epochs else "none"
        which = last if best is None else f"{best} (best)"
        return f"<table><tr>{heads}</tr><tr><td>{which}</td>{cells}</tr></table>"

    def to_frame(self) -> pandas.DataFrame:
        """Return a DataFrame with a row per epoch and a column per series. Needs pandas.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise ImportError("History.to_frame needs pandas: pip install pandas") from None
        frame = pandas.DataFrame(dict(self))
        frame.index.name = "epoch"
        return frame

    def _result(self) -> dict[str, float]:
        """Return the losses and metrics of the trained network."""
        at = self.epochs - 1
        if self.restored_best and self.best_epoch is not None:
            at = self.best_epoch
        return {
            name: values[at]
            for name, values in self.items()
            if 0 <= at < len(values) and name not in BOOKKEEPING
        }

    def plot(
        self,
        ax: Axes | None = None,
        path: str | os.PathLike[str] | None = None,
        log: bool = False,
    ) -> Figure:
        """Draw the learning curves. Needs the extra ``plot``.

        Without `ax`, a new figure shows the losses and, if there are metrics, a second panel with
        the metrics. pyplot is not used, so this works without a display.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Axes for the losses, instead of a new figure.
        path : path, optional
            Also write the figure to this file. Its suffix selects the format.
        log : bool
            Whether the axis of the losses is logarithmic.

        Returns
        -------
        matplotlib.figure.Figure
            The figure with the curves.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If the history has no epochs.
        """
        from backpass.callbacks.plotting import plot_curves

        if self.epochs == 0 or not self:
            raise ValueError("this history has no epochs to plot")
        curves = {name: values for name, values in self.items() if name not in BOOKKEEPING}
        losses = {n: values for n, values in curves.items() if n.removeprefix("val_") == "loss"}
        metrics = {n: values for n, values in curves.items() if n not in losses}
        panels = [panel for panel in (losses, metrics) if panel]
        return plot_curves(panels, best_epoch=self.best_epoch, ax=ax, path=path, log=log)
