"""Build and run a program with the packaged library."""

from pathlib import Path

from conan import ConanFile
from conan.tools.build import can_run
from conan.tools.cmake import CMake, cmake_layout


class TestPackage(ConanFile):
    """A network learns XOR, and is saved and loaded."""

    settings = ("os", "arch", "compiler", "build_type")
    generators = ("CMakeToolchain", "CMakeDeps")

    def requirements(self) -> None:
        """Require the package under test."""
        self.requires(self.tested_reference_str)

    def layout(self) -> None:
        """Use CMake's usual folders."""
        cmake_layout(self)

    def build(self) -> None:
        """Compile."""
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def test(self) -> None:
        """Run."""
        if can_run(self):
            self.run(str(Path(self.cpp.build.bindir, "main").resolve()), env="conanrun")
