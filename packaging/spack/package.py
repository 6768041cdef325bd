# The recipe of the C++ library for Spack.

from spack.package import *
from spack_repo.builtin.build_systems.cmake import CMakePackage


class Backpass(CMakePackage):
    """Plain fully connected neural networks on CPUs: a C++20 library whose results have the same
    bits for any number of threads.
    """

    homepage = "https://pypi.org/project/backpass"
    pypi = "backpass/backpass-0.1.0.tar.gz"

    license("MIT", checked_by="backpass contributors")

    version("0.1.0", sha256="0000000000000000000000000000000000000000000000000000000000000000")

    variant("shared", default=True, description="Build a shared instead of a static library")
    variant("openmp", default=True, description="Use several threads")

    depends_on("cxx", type="build")
    depends_on("cmake@3.21:", type="build")
    depends_on("nlohmann-json@3.11.2:", type="build")
    depends_on("llvm-openmp", when="+openmp %apple-clang")

    conflicts("%gcc@:11", msg="backpass needs GCC 12 or newer")
    conflicts("%clang@:13", msg="backpass needs Clang 14 or newer")
    conflicts("target=ppc64le:", msg="backpass is tested on x86-64 and aarch64")
    conflicts("platform=windows", msg="backpass runs on Linux and macOS")

    def cmake_args(self):
        return [
            self.define_from_variant("BUILD_SHARED_LIBS", "shared"),
            self.define_from_variant("BACKPASS_OPENMP", "openmp"),
            self.define("BACKPASS_BUILD_TESTS", False),
        ]
