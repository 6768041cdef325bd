# The only table of instruction sets, slowest first: the name, and the flags for cpp/src/kernels/isa_<name>.cpp. A flag
# allows the compiler to use a CPU feature. kernels/features_inl.hpp must list every such feature, so that dispatch.cpp
# checks whether the CPU has it. BACKPASS_ISA takes the name, and config() reports it.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(BACKPASS_ISAS baseline avx2 avx512)
  set(BACKPASS_ISA_FLAGS_baseline "")
  set(BACKPASS_ISA_FLAGS_avx2 -mavx2 -mfma -mbmi -mbmi2)
  set(BACKPASS_ISA_FLAGS_avx512 ${BACKPASS_ISA_FLAGS_avx2} -mavx512f -mavx512bw -mavx512cd -mavx512dq -mavx512vl
                                -mprefer-vector-width=512)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # A false warning about the undefined operands in GCC's own intrinsics (GCC PR 105593).
    list(APPEND BACKPASS_ISA_FLAGS_avx512 -Wno-maybe-uninitialized)
    if(WIN32)
      # GCC aligns the stack to 16 bytes on 64-bit Windows, also for wider vectors (GCC PR 54412).
      list(APPEND BACKPASS_ISA_FLAGS_avx2 -Wa,-muse-unaligned-vector-move)
      list(APPEND BACKPASS_ISA_FLAGS_avx512 -Wa,-muse-unaligned-vector-move)
    endif()
  endif()
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
  set(BACKPASS_ISAS baseline neon)
  set(BACKPASS_ISA_FLAGS_baseline "")
  set(BACKPASS_ISA_FLAGS_neon "")
else()
  set(BACKPASS_ISAS baseline)
  set(BACKPASS_ISA_FLAGS_baseline "")
endif()
