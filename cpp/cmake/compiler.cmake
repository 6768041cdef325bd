# Which compilers build the library, and the options that hold whatever a containing project sets.

set(oldest_GNU 12)
set(oldest_Clang 14)
set(oldest_AppleClang 14)
set(oldest ${oldest_${CMAKE_CXX_COMPILER_ID}})
if(oldest AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS oldest)
  message(FATAL_ERROR "backpass needs GCC 12 or Clang 14 or newer. "
                      "The compiler is ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION} (${CMAKE_CXX_COMPILER}).")
endif()
if(CMAKE_SIZEOF_VOID_P LESS 8)
  message(FATAL_ERROR "backpass needs a 64-bit target. Pointers have ${CMAKE_SIZEOF_VOID_P} bytes here.")
endif()

# The arithmetic is IEEE 754's, whatever came before: -fno-fast-math does not take back a part of -ffast-math that was named
# on its own, so every part is named. Link-time optimisation could move one instruction set's code into another's function.
set(BACKPASS_STRICT_OPTIONS -fno-fast-math -fno-associative-math -fno-reciprocal-math -fno-finite-math-only -fsigned-zeros
                            -fno-rounding-math -fno-lto)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # -Ofast allows stores that the source does not make, which is a data race where threads share an array.
  list(APPEND BACKPASS_STRICT_OPTIONS -fno-unsafe-math-optimizations -fno-single-precision-constant -fno-allow-store-data-races)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    list(APPEND BACKPASS_STRICT_OPTIONS -mfpmath=sse)
  endif()
else()
  list(APPEND BACKPASS_STRICT_OPTIONS -fno-approx-func -fdenormal-fp-math=ieee)
endif()
# No fused multiply-add but where the kernels ask for it: results must not depend on what the compiler happens to contract.
# No code reads errno or the floating-point exception flags after arithmetic.
list(APPEND BACKPASS_STRICT_OPTIONS -ffp-contract=off -fno-math-errno -fno-trapping-math)
