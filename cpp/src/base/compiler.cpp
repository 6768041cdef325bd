#include <backpass/compiler.hpp>

#if defined(__GLIBCXX__)
// Symbols whose names state the container and string layouts of this build, see <backpass/compiler.hpp>.
const char BACKPASS_CONTAINERS = 0;
const char BACKPASS_STRINGS = 0;
#endif
