// Prints the kernel set in use. A caller who forces a set can check it.
#include <cstdio>

#include <backpass/runtime.hpp>

int main() { std::puts(backpass::active_isa()); }
