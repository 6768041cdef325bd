// In every test program: regions wait for all their threads, so that tests of equal bits compare what they mean to.
#include <cstdlib>

namespace {
[[maybe_unused]] const int set = setenv("BACKPASS_WHOLE_TEAMS", "1", 1);
}  // namespace
