#include <backpass/runtime.hpp>

#include <backpass/version.hpp>

#include "kernels/dispatch.hpp"

namespace backpass {

const char* active_isa() { return kernels::active().name; }

Config config() {
  Config c;
  c.version = BACKPASS_VERSION_STRING;
#if defined(__clang__)
  c.compiler = "Clang " __clang_version__;
#elif defined(__GNUC__)
  c.compiler = "GCC " __VERSION__;
#endif
#if defined(_OPENMP)
  c.openmp = std::to_string(_OPENMP);
#endif
  for (const kernels::KernelSet* set : kernels::built()) {
    c.isas_built.emplace_back(set->name);
    if (kernels::usable(*set)) {
      c.isas_usable.emplace_back(set->name);
    }
  }
  c.isa = active_isa();
  c.num_threads = get_num_threads();
  return c;
}

}  // namespace backpass
