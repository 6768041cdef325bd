/// Number of threads, instruction sets, and the configuration of the build.
#include <backpass/runtime.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>

#include "annotations.hpp"

/// threadpoolctl looks for this symbol, to distinguish the extension from other files of the same name. Returns 0 if an
/// environment variable is invalid.
extern "C" __attribute__((visibility("default"))) int backpass_get_num_threads() noexcept {
  try {
    return backpass::get_num_threads();
  } catch (...) {
    return 0;
  }
}

namespace backpass::python {

void register_runtime(py::module_& m) {
  m.def(
      "set_num_threads",
      [](std::int64_t n) {
        using Limits = std::numeric_limits<int>;
        set_num_threads(static_cast<int>(std::clamp<std::int64_t>(n, Limits::min(), Limits::max())));
      },
      py::arg("n"), R"(Set the largest number of threads that a call may use.

Calls use fewer threads for a small amount of work. The bits of results do not depend on the number of threads.

Parameters
----------
n : int
    At least 1. The maximum is four per CPU, or 64 if that is more. A larger `n` means the maximum.

Raises
------
ValueError
    If `n` is below 1.

Examples
--------
>>> import backpass as bp
>>> bp.set_num_threads(2)
>>> bp.get_num_threads()
2
)");
  m.def("get_num_threads", &get_num_threads, R"(Return the largest number of threads that a call may use.

The default is the smallest of three numbers: ``BACKPASS_NUM_THREADS`` or else ``OMP_NUM_THREADS``, if set; the
number of CPUs that this process may run on; and the CPU quota of the cgroup, rounded up.

Returns
-------
int

Raises
------
RuntimeError
    At the first call that needs the number, if ``BACKPASS_NUM_THREADS`` is set to anything but a positive integer.

Examples
--------
>>> import backpass as bp
>>> bp.get_num_threads() >= 1
True
)");
  m.def(
      "config",
      [] {
        const Config c = config();
        py::dict result;
        result["version"] = c.version;
        result["compiler"] = c.compiler;
        result["openmp"] = c.openmp;
        result["isas_built"] = c.isas_built;
        result["isas_usable"] = c.isas_usable;
        result["isa"] = c.isa;
        result["num_threads"] = c.num_threads;
        return StringDict(result);
      },
      R"(Return the configuration of the build and of this process.

Returns
-------
dict
    ``version``, ``compiler``, ``openmp`` (empty if built without OpenMP), ``isas_built`` (the compiled kernel
    sets, slowest first), ``isas_usable`` (those that this CPU can run), ``isa`` (the kernel set in use;
    ``BACKPASS_ISA`` selects it at start-up) and ``num_threads``.

Examples
--------
>>> import backpass as bp
>>> config = bp.config()
>>> config["isa"] in config["isas_usable"]
True
)");
}

}  // namespace backpass::python
