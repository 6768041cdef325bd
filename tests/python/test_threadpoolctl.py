"""threadpoolctl's limits apply to this library, for both orders of import."""

import pytest

import backpass as bp
from network_pair import run_python

pytest.importorskip("threadpoolctl")

_BACKPASS_FIRST = "import backpass as bp, threadpoolctl"
_BACKPASS_LAST = "import threadpoolctl, backpass as bp"
_LISTED_BEFORE = "import threadpoolctl; threadpoolctl.threadpool_info(); import backpass as bp"

_LIMITS = """
import sys
bp.set_num_threads(3)
seen = [bp.get_num_threads()]
for limits in (
    dict(limits=1), dict(limits=2, user_api="openmp"), dict(limits=1, user_api="backpass"),
    dict(limits={"backpass": 2}), dict(limits=1, user_api="blas"),
):
    with threadpoolctl.threadpool_limits(**limits):
        seen.append(bp.get_num_threads())
    seen.append(bp.get_num_threads())
(info,) = [i for i in threadpoolctl.threadpool_info() if i["internal_api"] == "backpass"]
assert info["num_threads"] == 3
assert info["version"] == bp.__version__
assert info["filepath"] == bp._core.__file__
assert "_Finder" not in [type(finder).__name__ for finder in sys.meta_path]
print(*seen)
"""


@pytest.mark.parametrize("imports", [_BACKPASS_FIRST, _BACKPASS_LAST, _LISTED_BEFORE])
def test_limits(imports):
    assert run_python(imports + _LIMITS).split() == list("31323132333")


def test_importing_backpass_does_not_import_it():
    code = "import sys, backpass; print('threadpoolctl' in sys.modules)"
    assert run_python(code).strip() == "False"


def test_without_it_an_import_raises_the_usual_error():
    code = (
        "import sys, backpass\n"
        "sys.path[:] = [p for p in sys.path if 'site-packages' not in p]\n"
        "try:\n    import threadpoolctl\nexcept ModuleNotFoundError as e:\n    print(e)"
    )
    assert run_python(code).strip() == "No module named 'threadpoolctl'"


def test_find_spec_does_not_import_it():
    code = (
        "import importlib.util, backpass as bp\n"
        "assert importlib.util.find_spec('threadpoolctl') is not None\n"
        "import threadpoolctl\n"
        "with threadpoolctl.threadpool_limits(1):\n    print(bp.get_num_threads())"
    )
    assert run_python(code).strip() == "1"


def test_a_limit_that_is_not_a_number_of_threads_is_refused():
    import threadpoolctl

    before = bp.get_num_threads()
    with pytest.raises(ValueError, match="at least 1"):
        threadpoolctl.threadpool_limits({"backpass": 0})
    bp.set_num_threads(before)


def test_a_version_without_registration_is_not_changed():
    code = (
        "import pathlib, sys, tempfile, backpass\n"
        "folder = pathlib.Path(tempfile.mkdtemp())\n"
        "(folder / 'threadpoolctl.py').write_text('__version__ = \"3.1.0\"')\n"
        "sys.path.insert(0, str(folder))\n"
        "import threadpoolctl\n"
        "print(*(name for name in vars(threadpoolctl) if not name.startswith('__')))"
    )
    assert run_python(code).strip() == ""


def test_a_second_copy_of_it_is_registered_too():
    code = (
        "import importlib.util, backpass as bp\n"
        "spec = importlib.util.find_spec('threadpoolctl')\n"
        "import threadpoolctl\n"
        "copy = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(copy)\n"
        "with copy.threadpool_limits(1):\n    print(bp.get_num_threads())"
    )
    assert run_python(code).strip() == "1"
