"""The table that `Network.summary` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from backpass.network import Network

_HEADER = ("layer", "shape", "activation", "parameters", "bytes")
# Names to the left, numbers to the right.
_ALIGNMENT = "<<<>>"


def summary(net: Network) -> str:
    """Describe a network as a table of its layers.

    Parameters
    ----------
    net : Network

    Returns
    -------
    str
        One line a layer with its shape ``M_{i-1} -> M_i``, activation, and the count and size of
        its parameters; then their totals.
    """
    item_size = np.dtype(net.dtype).itemsize
    rows = [_HEADER]
    total = 0
    for number, layer in enumerate(net.layers, start=1):
        outputs, inputs = layer.weight.shape
        count = layer.weight.size + (0 if layer.bias is None else layer.bias.size)
        total += count
        notes = "" if layer.trainable else ", frozen"
        rows.append(
            (
                str(number),
                f"{inputs} -> {outputs}",
                f"{layer.activation}{notes}",
                f"{count:,}",
                f"{count * item_size:,}",
            )
        )
    rows.append(("total", "", str(np.dtype(net.dtype)), f"{total:,}", f"{total * item_size:,}"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    lines = [
        "  ".join(
            f"{cell:{align}{width}}"
            for cell, align, width in zip(row, _ALIGNMENT, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
    rule = "-" * max(map(len, lines))
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])
