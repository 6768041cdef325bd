#!/usr/bin/env python3
"""Build the Conan package from this checkout, and run its test package.

Conan's server is not needed: the JSON parser, the only requirement, becomes a local package of the
headers from PyPI's nlohmann-json. Everything is built without optimisation, which takes a third of
the time, in a Conan home of its own.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
from pathlib import Path

from commands import HERE, run

ROOT = HERE.parents[1]
PARSER = """
from conan import ConanFile
from conan.tools.files import copy


class NlohmannJson(ConanFile):
    name = "nlohmann_json"
    version = "{version}"
    package_type = "header-library"
    no_copy_source = True

    def package(self):
        copy(self, "*.hpp", "{include}", self.package_folder + "/include")

    def package_info(self):
        self.cpp_info.bindirs = self.cpp_info.libdirs = []
        self.cpp_info.set_property("cmake_target_name", "nlohmann_json::nlohmann_json")
"""


def conan(home: Path, *arguments: str) -> None:
    """Run Conan."""
    run(sys.executable, "-m", "conans.conan", *arguments, env={"CONAN_HOME": str(home)})


def main() -> None:
    """Build the package."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", action="store_true", help="the shared library instead")
    shared = parser.parse_args().shared
    spec = importlib.util.find_spec("nlohmann_json")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("install nlohmann-json from PyPI")
    include = Path(next(iter(spec.submodule_search_locations))) / "include"
    with tempfile.TemporaryDirectory() as folder:
        home, recipe = Path(folder) / "home", Path(folder) / "conanfile.py"
        conan(home, "profile", "detect")
        conan(home, "remote", "disable", "*")
        recipe.write_text(PARSER.format(version="3.12.0", include=include))
        unity = "tools.cmake.cmaketoolchain:extra_variables={'CMAKE_UNITY_BUILD': 'ON'}"
        # Keep the test package's build out of the source tree.
        layout = f"tools.cmake.cmake_layout:test_folder={folder}/test"
        presets = "tools.cmake.cmaketoolchain:user_presets="
        debug = ["-s", "build_type=Debug", "-s", "compiler.cppstd=20"]
        debug += ["-c", unity, "-c", layout, "-c", presets]
        conan(home, "create", str(recipe), *debug)
        options = ["-o", f"backpass/*:shared={shared}"]
        conan(home, "create", str(ROOT / "packaging/conan"), *debug, *options)
        print(f"recipes: conan create, shared={shared}: the test package runs")


if __name__ == "__main__":
    main()
