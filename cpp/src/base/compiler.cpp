#include <backpass/compiler.hpp>

#if defined(__GLIBCXX__)
// The layouts that this library was built with.
const char BACKPASS_CONTAINERS = 0;
const char BACKPASS_STRINGS = 0;
#endif
