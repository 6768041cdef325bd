#include "kernels/dispatch.hpp"

#include <array>
#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <string_view>
#include <vector>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "base/text.hpp"
#include "kernels/cpu_features.hpp"

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

uint32_t cpu_features() {
  uint32_t features = 0;
#if defined(__x86_64__)
  // __builtin_cpu_supports() checks CPUID and, through XGETBV, which registers the operating system saves. A network
  // that is a static object may call this function before the compiler's own initialiser has run, hence
  // __builtin_cpu_init().
  __builtin_cpu_init();
  const auto add = [&](CpuFeature feature, bool there) { features |= there ? feature : 0U; };
  add(kSse3, __builtin_cpu_supports("sse3"));
  add(kSsse3, __builtin_cpu_supports("ssse3"));
  add(kSse41, __builtin_cpu_supports("sse4.1"));
  add(kSse42, __builtin_cpu_supports("sse4.2"));
  add(kPopcnt, __builtin_cpu_supports("popcnt"));
  add(kAvx, __builtin_cpu_supports("avx"));
  add(kAvx2, __builtin_cpu_supports("avx2"));
  add(kFma, __builtin_cpu_supports("fma"));
  add(kBmi, __builtin_cpu_supports("bmi"));
  add(kBmi2, __builtin_cpu_supports("bmi2"));
  add(kAvx512f, __builtin_cpu_supports("avx512f"));
  add(kAvx512bw, __builtin_cpu_supports("avx512bw"));
  add(kAvx512cd, __builtin_cpu_supports("avx512cd"));
  add(kAvx512dq, __builtin_cpu_supports("avx512dq"));
  add(kAvx512vl, __builtin_cpu_supports("avx512vl"));
  // Clang 14 has no names for the following features. F16C uses AVX registers, which the operating system must save.
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0) {
    add(kF16c, (ecx & bit_F16C) != 0 && (features & kAvx) != 0);
    add(kMovbe, (ecx & bit_MOVBE) != 0);
  }
  if (__get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) != 0) {
    add(kLzcnt, (ecx & bit_LZCNT) != 0);
  }
#endif
  return features;
}

bool usable(const KernelSet& set) { return (set.features & ~cpu_features()) == 0; }

namespace {

const KernelSet& choose() {
  const char* forced = std::getenv("BACKPASS_ISA");
  if (forced != nullptr && *forced != '\0') {
    std::vector<std::string_view> names;
    for (const KernelSet* set : built()) {
      if (!usable(*set)) {
        continue;
      }
      if (std::string_view(set->name) == forced) {
        return *set;
      }
      names.emplace_back(set->name);
    }
    throw std::runtime_error("BACKPASS_ISA: " + unknown_text("kernel set of this build and CPU", forced, names));
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
  // Not a local static: its initialisation holds a lock, and if another thread forked at that moment, the child would
  // wait for ever. Threads that get here at the same time choose the same set.
  static constinit std::atomic<const KernelSet*> chosen{nullptr};
  const KernelSet* set = chosen.load(std::memory_order_relaxed);
  if (set == nullptr) {
    set = &choose();
    chosen.store(set, std::memory_order_relaxed);
  }
  return *set;
}

}  // namespace backpass::kernels
