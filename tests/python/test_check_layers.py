"""The check of the include layers finds every kind of violation, and none in the tree."""

from pathlib import Path

import pytest

from check_layers import check_tree


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        (
            "cpp/src/base/a.hpp",
            '#include "model/model.hpp"',
            "base (layer 0) includes model (layer 5)",
        ),
        (
            "cpp/src/optim/a.cpp",
            '#include "model/model.hpp"',
            "optim (layer 4) includes model (layer 5)",
        ),
        (
            "cpp/src/io/a.cpp",
            '#include "pass/network_impl.hpp"',
            'io includes "pass/network',
        ),
        (
            "cpp/src/train/a.cpp",
            '#include "pass/batch_pass.hpp"',
            'train includes "pass/',
        ),
        ("cpp/src/pass/a.cpp", '#include "util/a.hpp"', '"util/a.hpp" is in no layer'),
        ("cpp/src/util/a.cpp", "", "in no layer"),
        ("cpp/src/train/a.cpp", "#include <omp.h>", "omp.h outside runtime"),
        ("cpp/src/pass/a.cpp", "  #pragma omp parallel", "OpenMP outside runtime"),
        ("cpp/src/pass/a.cpp", "#include <immintrin.h>", "<immintrin.h> outside kernels"),
        ("cpp/src/kernels/a.cpp", "#include <thread>", "<thread> in kernels"),
        ("cpp/src/train/a.cpp", "#include <nlohmann/json.hpp>", "<nlohmann/json.hpp> outside io"),
        ("cpp/src/io/a.cpp", "#include <iostream>", "the library prints nothing"),
        ("cpp/include/backpass/a.hpp", '#include "model/model.hpp"', "private header"),
        ("python/bindings/a.cpp", '#include "model/model.hpp"', "private header"),
    ],
)
def test_violations_are_found(tmp_path, file, line, message):
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(f"// a file\n{line}\n")
    (found,) = check_tree(tmp_path)
    assert found.startswith(f"{file}:")
    assert message in found


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("cpp/src/pass/a.cpp", '#include "model/model.hpp"'),
        ("cpp/src/pass/a.cpp", '#include "optim/rule.hpp"'),
        ("cpp/src/pass/a.cpp", '#include "pass/network_impl.hpp"'),
        ("cpp/src/train/a.cpp", '#include "pass/network_access.hpp"'),
        ("cpp/src/io/a.cpp", '#include "pass/network_access.hpp"'),
        ("cpp/src/pass/a.cpp", "#include <backpass/network.hpp>"),
        ("cpp/src/runtime/a.cpp", "#pragma omp barrier"),
        ("cpp/src/pass/a.cpp", '// #include "io/text.hpp"'),
        ("python/bindings/a.cpp", '#include "arrays.hpp"'),
    ],
)
def test_what_is_allowed_is_not_found(tmp_path, file, line):
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(f"{line}\n")
    assert check_tree(tmp_path) == []


def test_the_tree_has_no_violation():
    root = Path(__file__).resolve().parents[2]
    assert (root / "cpp/src/pass").is_dir()
    assert check_tree(root) == []
