"""Learning curves with matplotlib (the extra ``plot``)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from backpass._atomic import atomic_write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_VALIDATION = "val_"


def plot_curves(
    panels: Sequence[Mapping[str, Sequence[float]]],
    best_epoch: int | None = None,
    ax: Axes | None = None,
    path: str | os.PathLike[str] | None = None,
    log: bool = False,
) -> Figure:
    """Draw named series with one number per epoch; see `History.plot`.

    Each entry of `panels` is one panel of a new figure. With `ax`, only the first panel is drawn.
    """
    try:
        from matplotlib.figure import Figure, SubFigure
    except ImportError as error:
        raise ImportError("plotting needs matplotlib: pip install backpass[plot]") from error

    if ax is None:
        # A Figure without pyplot has the Agg canvas, which needs no display and no close().
        figure = Figure(figsize=(5.0 * len(panels), 4.0), layout="constrained")
        axes = [figure.add_subplot(1, len(panels), i + 1) for i in range(len(panels))]
    else:
        axes = [ax]
        parent = ax.figure
        figure = parent.figure if isinstance(parent, SubFigure) else parent
    for panel, panel_axes in zip(panels, axes, strict=False):
        _draw(panel_axes, panel, best_epoch)
    if log:
        axes[0].set_yscale("log")
    if path is not None:
        save_figure(figure, path)
    return figure


def _draw(ax: Axes, curves: Mapping[str, Sequence[float]], best_epoch: int | None) -> None:
    from matplotlib.ticker import MaxNLocator

    colors: dict[str, str] = {}
    for name, values in curves.items():
        # A series and its validation series have the same colour. The latter is dashed.
        base = name.removeprefix(_VALIDATION)
        color = colors.setdefault(base, f"C{len(colors)}")
        ax.plot(
            range(1, len(values) + 1),
            values,
            label=name,
            color=color,
            linestyle="-" if name == base else "--",
            # A line through a single point is invisible.
            marker="o" if len(values) == 1 else None,
        )
    if best_epoch is not None:
        ax.axvline(best_epoch + 1, color="0.6", linestyle=":", label="best epoch")
    ax.set_xlabel("epoch")
    if len(colors) == 1:
        ax.set_ylabel(next(iter(colors)))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(alpha=0.3)
    ax.legend()


def picture_format(path: str | os.PathLike[str]) -> str:
    """Return the format of a picture from the suffix of its file name.

    Raises
    ------
    ValueError
        If matplotlib does not know the suffix. The message lists the known suffixes.
    """
    from matplotlib.backend_bases import FigureCanvasBase

    suffix = Path(path).suffix.removeprefix(".").lower()
    known = FigureCanvasBase.get_supported_filetypes()
    if suffix not in known:
        raise ValueError(
            f"unknown picture format of {os.fspath(path)!r}; "
            f"use one of the suffixes {', '.join(sorted(known))}"
        )
    return suffix


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure to a file. Its suffix selects the format."""
    suffix = picture_format(path)
    with atomic_write(path) as file:
        figure.savefig(file, format=suffix, dpi=150)
