"""Write the stubs of the extension: ``python tests/make_stubs.py FOLDER``.

The package gives the native functions Python signatures when it is imported. The stubs need the
types in the native docstrings, so this program imports the extension without the package's own
code, and hides the signatures of the fast methods.
"""

import importlib.util
import inspect
import sys
import types

from pybind11_stubgen import main

spec = importlib.util.find_spec("backpass")
assert spec is not None
package = types.ModuleType("backpass")
package.__path__ = list(spec.submodule_search_locations or [])
sys.modules["backpass"] = package

signature_of = inspect.getfullargspec


def without_descriptors(function):
    if isinstance(function, types.MethodDescriptorType):
        raise TypeError
    return signature_of(function)


inspect.getfullargspec = without_descriptors
main(["backpass._core", "-o", sys.argv[1]])
