/// The vectors of the instruction set that every CPU of the architecture has.
#pragma once

#if defined(__SSE2__)
#include "kernels/vec_sse2.hpp"
#else
#include "kernels/vec_generic.hpp"
#endif
