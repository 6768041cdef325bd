# The supported compilers, and the options that apply regardless of what a containing project sets.

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

# IEEE 754 arithmetic, whatever options came before: -fno-fast-math does not undo a component of -ffast-math that was
# given by name, so every component is named here. Link-time optimisation could move code of one instruction set into a
# function of another.
set(BACKPASS_STRICT_OPTIONS -fno-fast-math -fno-associative-math -fno-reciprocal-math -fno-finite-math-only -fsigned-zeros
                            -fno-rounding-math -fno-lto)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # -Ofast allows stores that the source does not make. Such a store is a data race if threads share an array.
  list(APPEND BACKPASS_STRICT_OPTIONS -fno-unsafe-math-optimizations -fno-single-precision-constant -fno-allow-store-data-races)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    list(APPEND BACKPASS_STRICT_OPTIONS -mfpmath=sse)
  endif()
else()
  list(APPEND BACKPASS_STRICT_OPTIONS -fno-approx-func -fdenormal-fp-math=ieee)
endif()
# No fused multiply-add except where the kernels request it: results must not depend on what the compiler contracts. No
# code reads errno or the floating-point exception flags after arithmetic.
list(APPEND BACKPASS_STRICT_OPTIONS -ffp-contract=off -fno-math-errno -fno-trapping-math)
