"""Number of threads, instruction sets, and the configuration of the build."""

from __future__ import annotations

from typing import Any, Literal, overload

from backpass._arguments import to_choice
from backpass._core import config, get_num_threads, set_num_threads

__all__ = ["config", "get_num_threads", "set_num_threads", "show_config"]


@overload
def show_config(mode: Literal["stdout"] = ...) -> None: ...
@overload
def show_config(mode: Literal["dicts"]) -> dict[str, Any]: ...
def show_config(mode: Literal["stdout", "dicts"] = "stdout") -> dict[str, Any] | None:
    """Show the configuration of the build and of this process.

    Parameters
    ----------
    mode : {"stdout", "dicts"}
        Whether to print the configuration or to return it.

    Returns
    -------
    dict or None
        With ``mode="dicts"``, the result of `config`.

    Raises
    ------
    ValueError
        If `mode` has another value.

    Examples
    --------
    >>> import backpass as bp
    >>> bp.show_config()
    version: ...
    compiler: ...
    >>> bp.show_config(mode="dicts")["version"] == bp.__version__
    True
    """
    to_choice(mode, "mode", "stdout", "dicts")
    entries = config()
    if mode == "dicts":
        return entries
    for name, value in entries.items():
        text = ", ".join(value) if isinstance(value, list) else value
        print(f"{name}: {'none' if text == '' else text}")  # noqa: T201 - printing is its purpose
    return None
