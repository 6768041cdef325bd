// Part of every test program: regions wait for all their threads, so that tests really compare different numbers of
// threads.
#include "environment.hpp"

namespace {
[[maybe_unused]] const int set = backpass::test::set_variable("BACKPASS_WHOLE_TEAMS", "1");
}  // namespace
