/// Threads, instruction sets, and what was built.
#include <backpass/runtime.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>

#include "annotations.hpp"

/// By this symbol threadpoolctl knows the extension from other files of the same name. 0 where the environment is
/// wrong.
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

Calls use fewer where the work is small. Results do not depend on the number of threads, to the bit.

Parameters
----------
n : int
    At least 1. More than four a CPU, or 64 if that is more, mean that many.

Raises
------
ValueError
    When `n` is below 1.

Examples
--------
>>> import backpass as bp
>>> bp.set_num_threads(2)
>>> bp.get_num_threads()
2
)");
  m.def("get_num_threads", &get_num_threads, R"(Return the largest number of threads that a call may use.

The default is the smallest of: ``BACKPASS_NUM_THREADS`` or else ``OMP_NUM_THREADS`` if set, the CPUs that
this process may run on, and the cgroup's CPU quota rounded up.

Returns
-------
int

Raises
------
RuntimeError
    At the first call that asks for it, when ``BACKPASS_NUM_THREADS`` is set to anything but a positive integer.

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
      R"(Return what was built and what is in use.

Returns
-------
dict
    ``version``, ``compiler``, ``openmp`` (empty when built without), ``isas_built`` and ``isas_usable``
    (kernel sets compiled in and those that this CPU can run, slowest first), ``isa`` (the one in use;
    ``BACKPASS_ISA`` forces it at start-up) and ``num_threads``.

Examples
--------
>>> import backpass as bp
>>> config = bp.config()
>>> config["isa"] in config["isas_usable"]
True
)");
}

}  // namespace backpass::python
