"""The record of a training run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Series that do not measure the success of the training: learning rate and time.
BOOKKEEPING = ("lr", "seconds")


class History(Mapping[str, list[float]]):
    """Result of `Network.fit`: named series with one number per epoch.

    A read-only mapping from name to list of floats: ``"loss"``, ``"lr"``, ``"seconds"``, the name
    of every metric, and, with validation data, ``"val_…"`` of the loss and of every metric.

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

    def __init__(
        self,
        series: Mapping[str, Sequence[float]] | None = None,
        *,
        epochs: int | None = None,
        best_epoch: int | None = None,
        stopped_early: bool = False,
    ) -> None:
        self._series = {
            name: [float(value) for value in values] for name, values in (series or {}).items()
        }
        lengths = {name: len(values) for name, values in self._series.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"the series of a history must have the same length, got {lengths}")
        self.epochs = max(lengths.values(), default=0) if epochs is None else epochs
        self.best_epoch = best_epoch
        self.stopped_early = stopped_early

    def __getitem__(self, name: str) -> list[float]:
        try:
            return self._series[name]
        except KeyError:
            known = ", ".join(self._series) or "none"
            raise KeyError(f"no series {name!r} in this history; it has: {known}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._series

    def __iter__(self) -> Iterator[str]:
        return iter(self._series)

    def __len__(self) -> int:
        return len(self._series)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, History):
            return NotImplemented
        return vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]  # contains mutable lists

    def __repr__(self) -> str:
        parts = [f"epochs={self.epochs}"]
        if self.best_epoch is not None:
            parts.append(f"best_epoch={self.best_epoch}")
        if self.stopped_early:
            parts.append("stopped_early=True")
        parts += [
            f"{name}={values[-1]:.4g}"
            for name, values in self._series.items()
            if values and name not in BOOKKEEPING
        ]
        return f"History({', '.join(parts)})"

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
