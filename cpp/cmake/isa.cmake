# The one table of instruction sets: name, and the flags its translation unit (cpp/src/kernels/isa_<name>.cpp) is compiled with.
# A flag allows the compiler a CPU feature: kernels/features_inl.hpp must list each one, so that dispatch.cpp asks the CPU for it.
# Slowest first. The name is what BACKPASS_ISA takes and config() reports.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(BACKPASS_ISAS baseline avx2 avx512)
  set(BACKPASS_ISA_FLAGS_baseline "")
  set(BACKPASS_ISA_FLAGS_avx2 -mavx2 -mfma -mbmi -mbmi2)
  set(BACKPASS_ISA_FLAGS_avx512 ${BACKPASS_ISA_FLAGS_avx2} -mavx512f -mavx512bw -mavx512cd -mavx512dq -mavx512vl
                                -mprefer-vector-width=512)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # False for the undefined operands in GCC's own intrinsics (GCC PR 105593).
    list(APPEND BACKPASS_ISA_FLAGS_avx512 -Wno-maybe-uninitialized)
  endif()
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
  set(BACKPASS_ISAS baseline neon)
  set(BACKPASS_ISA_FLAGS_baseline "")
  set(BACKPASS_ISA_FLAGS_neon "")
else()
  set(BACKPASS_ISAS baseline)
  set(BACKPASS_ISA_FLAGS_baseline "")
endif()
