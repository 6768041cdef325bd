"""Registration of this library with threadpoolctl.

``threadpoolctl.threadpool_limits(1)``, also with ``user_api="openmp"`` or ``user_api="backpass"``,
sets the number of threads in the same way as `backpass.set_num_threads`. threadpoolctl does not
have to be installed, and ``import backpass`` does not import it. If threadpoolctl is already
imported, this library registers immediately, otherwise when threadpoolctl is imported.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from backpass import _core

_NAME = "threadpoolctl"


def _register(threadpoolctl: ModuleType) -> None:
    """Register this library. threadpoolctl before 3.2 does not support registration."""
    base: Any = getattr(threadpoolctl, "LibController", None)
    register: Any = getattr(threadpoolctl, "register", None)
    if base is None or register is None:
        return

    class Controller(base):  # type: ignore[misc]
        user_api = "openmp"
        internal_api = "backpass"
        filename_prefixes = ("_core",)
        check_symbols = ("backpass_get_num_threads",)

        def get_num_threads(self) -> int:
            return _core.get_num_threads()

        def set_num_threads(self, num_threads: int) -> None:
            _core.set_num_threads(num_threads)

        def get_version(self) -> str:
            return _core.__version__

        def set_additional_attributes(self) -> None:
            # A limit selects libraries by user_api or prefix. This sets the prefix.
            self.prefix = "backpass"

    class NamedController(Controller):
        """Adds the user_api "backpass". threadpoolctl finds the library by `Controller`."""

        user_api = "backpass"

    register(Controller)
    register(NamedController)


class _Finder(MetaPathFinder):
    """Registers this library after threadpoolctl has been imported."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _NAME:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return None
        loader: Any = spec.loader
        execute = loader.exec_module

        def execute_and_register(module: ModuleType) -> None:
            execute(module)
            _register(module)
            if self in sys.meta_path:
                sys.meta_path.remove(self)

        loader.exec_module = execute_and_register
        return spec


def register_when_imported() -> None:
    """Register now, or later when threadpoolctl is imported."""
    module = sys.modules.get(_NAME)
    if module is not None:
        _register(module)
    else:
        sys.meta_path.insert(0, _Finder())
