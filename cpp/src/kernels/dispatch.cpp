#include "kernels/dispatch.hpp"

#include <array>
#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

namespace backpass::kernels {

#define BACKPASS_DECLARE(name)     \
  namespace name {                 \
  extern const KernelSet kKernels; \
  }
BACKPASS_DECLARE(baseline)
#ifdef BACKPASS_HAVE_AVX2
BACKPASS_DECLARE(avx2)
#endif
#ifdef BACKPASS_HAVE_AVX512
BACKPASS_DECLARE(avx512)
#endif
#ifdef BACKPASS_HAVE_NEON
BACKPASS_DECLARE(neon)
#endif
#undef BACKPASS_DECLARE

std::span<const KernelSet* const> built() {
  static constexpr std::array sets{
      &baseline::kKernels,
#ifdef BACKPASS_HAVE_AVX2
      &avx2::kKernels,
#endif
#ifdef BACKPASS_HAVE_AVX512
      &avx512::kKernels,
#endif
#ifdef BACKPASS_HAVE_NEON
      &neon::kKernels,
#endif
  };
  return sets;
}

bool usable([[maybe_unused]] const KernelSet& set) {
#if defined(__x86_64__)
  // The compiler's run-time check covers CPUID and, through XGETBV, what the operating system saves.
  // It may be asked before the compiler's own initialiser has run: by a network that is a static object.
  __builtin_cpu_init();
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
                  __builtin_cpu_supports("bmi2");
  const std::string_view name = set.name;
  if (name == "avx2") {
    return v3;
  }
  if (name == "avx512") {
    return v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
  }
#endif
  return true;
}

namespace {

const KernelSet& choose() {
  const char* forced = std::getenv("BACKPASS_ISA");
  if (forced != nullptr && *forced != '\0') {
    std::string names;
    for (const KernelSet* set : built()) {
      if (!usable(*set)) {
        continue;
      }
      if (std::string_view(set->name) == forced) {
        return *set;
      }
      names += names.empty() ? "" : ", ";
      names += set->name;
    }
    throw std::runtime_error("BACKPASS_ISA=" + std::string(forced) +
                             " is not a kernel set of this build and CPU; there are: " + names);
  }
  const KernelSet* best = built().front();
  for (const KernelSet* set : built()) {
    if (usable(*set)) {
      best = set;
    }
  }
  return *best;
}

}  // namespace

const KernelSet& active() {
  // Not a local static, whose initialisation holds a lock: after a fork in that moment, the child would wait for ever.
  // Threads that come here at the same time choose the same set.
  static constinit std::atomic<const KernelSet*> chosen{nullptr};
  const KernelSet* set = chosen.load(std::memory_order_relaxed);
  if (set == nullptr) {
    set = &choose();
    chosen.store(set, std::memory_order_relaxed);
  }
  return *set;
}

}  // namespace backpass::kernels
