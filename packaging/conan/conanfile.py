"""The recipe of the C++ library for Conan 2.

In a checkout, ``conan create packaging/conan`` builds that checkout: `export_sources` copies it.
"""

import re
from pathlib import Path

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, get, load, rmdir
from conan.tools.scm import Version

required_conan_version = ">=2.0"

OLDEST = {"gcc": "12", "clang": "14", "apple-clang": "14"}


class BackpassConan(ConanFile):
    """The C++ library, static or shared."""

    name = "backpass"
    description = "Plain fully connected neural networks on CPUs"
    license = "MIT"
    topics = ("neural-network", "machine-learning", "backpropagation", "simd")
    package_type = "library"
    settings = ("os", "arch", "compiler", "build_type")
    options = {"shared": [True, False], "fPIC": [True, False], "with_openmp": [True, False]}
    default_options = {"shared": False, "fPIC": True, "with_openmp": True}
    implements = ["auto_shared_fpic"]

    @property
    def _checkout(self) -> Path:
        return Path(self.recipe_folder).parents[1]

    def set_version(self) -> None:
        """Take the version of the checkout, if no version is given."""
        header = self._checkout / "cpp/include/backpass/version.hpp"
        if self.version is None and header.exists():
            self.version = re.search(r'STRING "(.+)"', load(self, str(header)))[1]

    def export_sources(self) -> None:
        """Copy the checkout, if this recipe is in one."""
        if (self._checkout / "cpp").exists():
            for pattern in ("CMakeLists.txt", "LICENSE", "cpp/*", "packaging/LICENSE-bundled.txt"):
                copy(self, pattern, str(self._checkout), self.export_sources_folder)

    def source(self) -> None:
        """Download the source distribution, unless the checkout was exported."""
        if not Path(self.source_folder, "cpp").exists():
            get(self, **self.conan_data["sources"][self.version], strip_root=True)

    def layout(self) -> None:
        """Use CMake's usual folders."""
        cmake_layout(self, src_folder=".")

    def validate(self) -> None:
        """Refuse systems and compilers that the library does not support."""
        check_min_cppstd(self, 20)
        if str(self.settings.os) not in {"Linux", "Macos"}:
            raise ConanInvalidConfiguration("backpass runs on Linux and macOS")
        if str(self.settings.arch) not in {"x86_64", "armv8"}:
            raise ConanInvalidConfiguration("backpass needs a 64-bit x86 or ARM processor")
        compiler = str(self.settings.compiler)
        if compiler not in OLDEST or Version(self.settings.compiler.version) < OLDEST[compiler]:
            raise ConanInvalidConfiguration("backpass needs GCC 12 or Clang 14 or newer")

    def requirements(self) -> None:
        """Only the build needs the JSON parser."""
        self.requires("nlohmann_json/[>=3.11.2 <4]", visible=False)

    def generate(self) -> None:
        """Write the files for CMake."""
        toolchain = CMakeToolchain(self)
        toolchain.variables["BACKPASS_BUILD_TESTS"] = False
        toolchain.variables["BACKPASS_OPENMP"] = bool(self.options.with_openmp)
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self) -> None:
        """Compile."""
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self) -> None:
        """Install, without the files for CMake and pkg-config, which Conan generates."""
        package = Path(self.package_folder)
        for name in ("LICENSE", "packaging/LICENSE-bundled.txt"):
            copy(self, name, self.source_folder, str(package / "licenses"))
        CMake(self).install()
        rmdir(self, str(package / "lib/cmake"))
        rmdir(self, str(package / "lib/pkgconfig"))

    def package_info(self) -> None:
        """Describe the library to its users."""
        self.cpp_info.libs = ["backpass"]
        self.cpp_info.set_property("cmake_target_name", "backpass::backpass")
        if self.options.shared:
            self.cpp_info.defines = ["BACKPASS_SHARED"]
            return
        if self.settings.os == "Linux":
            self.cpp_info.system_libs = ["m", "pthread", "dl"]
        if self.options.with_openmp:
            apple = str(self.settings.compiler) == "apple-clang"
            flags = ["-lomp"] if apple else ["-fopenmp"]
            self.cpp_info.exelinkflags = flags
            self.cpp_info.sharedlinkflags = flags
