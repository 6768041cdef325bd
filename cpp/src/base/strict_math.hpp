/// Stops a build if the compiler may change the arithmetic. CMake includes this file first in every source of the
/// library.
///
/// Kernels test for NaN, rely on the order of their sums, and add and subtract large constants to round. -ffast-math
/// and the options that it enables allow the compiler to break all of these. cpp/cmake/compiler.cmake switches them
/// off.
#pragma once

#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__) || \
    defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || defined(__NO_SIGNED_ZEROS__)
#error "backpass must be compiled without -ffast-math and the options that it enables: they make results wrong"
#endif
#if defined(__x86_64__) && defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0
#error "backpass must be compiled with -mfpmath=sse: x87 registers hold more digits than float and double"
#endif

static_assert(sizeof(1.0) == sizeof(double), "backpass must be compiled without -fsingle-precision-constant");
