// Prints the kernel set in use, so that whoever forces one can see that it was.
#include <cstdio>

#include <backpass/runtime.hpp>

int main() { std::puts(backpass::active_isa()); }
