// Part of every test program: regions wait for all their threads, so that tests really compare different numbers of
// threads.
#include <cstdlib>

namespace {
[[maybe_unused]] const int set = setenv("BACKPASS_WHOLE_TEAMS", "1", 1);
}  // namespace
