"""The recipes in packaging/ state the version, options and requirements of the project's files."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
CMAKE = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
RECIPES = sorted(
    path
    for path in PACKAGING.rglob("*")
    if path.suffix in {".py", ".json", ".yaml", ".yml", ".cmake"}
)


def text_of(name: str) -> str:
    return (PACKAGING / name).read_text(encoding="utf-8")


def check_release(root: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(root / "tests/check_release.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_file_states_the_version() -> None:
    done = check_release(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("CITATION.cff", "version: 0", "version: 7", "CITATION.cff: 7"),
        ("packaging/vcpkg/vcpkg.json", '"version": "0', '"version": "7', "vcpkg.json: 7"),
        ("packaging/conan/conandata.yml", '  "0', '  "7', "conandata.yml: 7"),
        ("packaging/spack/package.py", 'version("0', 'version("7', "package.py: 7"),
        ("packaging/conda-forge/recipe.yaml", 'version: "0', 'version: "7', "recipe.yaml: 7"),
        ("cpp/include/backpass/version.hpp", "MAJOR 0", "MAJOR 7", "the numbers are 7"),
    ],
)
def test_another_version_is_found(
    name: str, old: str, new: str, message: str, tmp_path: Path
) -> None:
    for part in ("CITATION.cff", "CHANGELOG.md"):
        shutil.copy(ROOT / part, tmp_path)
    for part in ("packaging", "cpp/include"):
        shutil.copytree(ROOT / part, tmp_path / part)
    (tmp_path / "tests").mkdir()
    shutil.copy(ROOT / "tests/check_release.py", tmp_path / "tests")
    path = tmp_path / name
    before = path.read_text(encoding="utf-8")
    assert old in before
    path.write_text(before.replace(old, new, 1), encoding="utf-8")
    done = check_release(tmp_path)
    assert done.returncode == 1
    assert message in done.stdout


def test_a_tag_needs_its_version_and_a_dated_section(tmp_path: Path) -> None:
    shutil.copytree(PACKAGING, tmp_path / "packaging")
    shutil.copytree(ROOT / "cpp/include", tmp_path / "cpp/include")
    shutil.copy(ROOT / "CITATION.cff", tmp_path)
    (tmp_path / "tests").mkdir()
    shutil.copy(ROOT / "tests/check_release.py", tmp_path / "tests")
    version = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert version
    changelog = tmp_path / "CHANGELOG.md"
    changelog.write_text(f"## [Unreleased]\n\n## [{version[1]}] - 2026-12-01\n")
    assert check_release(tmp_path, "--tag", f"v{version[1]}").returncode == 0
    assert "the tag is v7.0.0" in check_release(tmp_path, "--tag", "v7.0.0").stdout
    changelog.write_text(f"## [{version[1]}] - unreleased\n")
    assert "has no date" in check_release(tmp_path, "--tag", f"v{version[1]}").stdout


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.relative_to(PACKAGING).as_posix())
def test_the_options_exist(path: Path) -> None:
    known = set(re.findall(r"(?:option|set)\((BACKPASS_\w+) ", CMAKE)) | {"BACKPASS_SHARED"}
    assert set(re.findall(r"BACKPASS_\w+", path.read_text(encoding="utf-8"))) <= known


def test_the_compilers_are_the_supported_ones() -> None:
    text = (ROOT / "cpp/cmake/compiler.cmake").read_text(encoding="utf-8")
    oldest = dict(re.findall(r"set\(oldest_(\w+) (\d+)\)", text))
    gcc, clang = oldest["GNU"], oldest["Clang"]
    line = (
        f'OLDEST = {{"gcc": "{gcc}", "clang": "{clang}", "apple-clang": "{oldest["AppleClang"]}"}}'
    )
    assert line in text_of("conan/conanfile.py")
    assert f'"%gcc@:{int(gcc) - 1}"' in text_of("spack/package.py")
    assert f'"%clang@:{int(clang) - 1}"' in text_of("spack/package.py")


def test_the_requirements_are_the_projects() -> None:
    conda = text_of("conda-forge/recipe.yaml")
    names = {"nlohmann-json": "nlohmann_json", "matplotlib": "matplotlib-base"}
    for name in ("numpy", "tqdm", "click", "matplotlib", "pandas", "pyarrow", "pybind11"):
        bound = re.search(rf'"{name}>=([\d.]+)"', PYPROJECT)
        assert bound, name
        assert f"- {names.get(name, name)} >={bound[1]}\n" in conda
    parser = re.search(r'"nlohmann-json>=([\d.]+)"', PYPROJECT)
    assert parser
    assert f"nlohmann_json >={parser[1]}\n" in conda
    assert f"nlohmann_json/[>={parser[1]} <4]" in text_of("conan/conanfile.py")
    assert f"nlohmann-json@{parser[1]}:" in text_of("spack/package.py")
    cmake = re.search(r"cmake_minimum_required\(VERSION ([\d.]+)\)", CMAKE)
    assert cmake
    assert f"- cmake >={cmake[1]}\n" in conda
    assert f"cmake@{cmake[1]}:" in text_of("spack/package.py")


def test_the_vcpkg_manifest_is_complete() -> None:
    manifest = json.loads(text_of("vcpkg/vcpkg.json"))
    assert manifest["name"] == "backpass"
    assert manifest["license"] == "MIT"
    dependencies = {d if isinstance(d, str) else d["name"] for d in manifest["dependencies"]}
    port = text_of("vcpkg/portfile.cmake")
    for helper in ("vcpkg-cmake", "vcpkg-cmake-config"):
        assert helper in dependencies
    assert "nlohmann-json" in dependencies
    # The place where the library installs its CMake files, which the port moves.
    install = (ROOT / "cpp/cmake/install.cmake").read_text(encoding="utf-8")
    assert "${CMAKE_INSTALL_LIBDIR}/cmake/backpass" in install
    assert "CONFIG_PATH lib/cmake/backpass" in port
