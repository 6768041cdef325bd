// Includes the headers after macros that other libraries define. Each macro breaks any use of its name. The standard
// headers come first, since no library can protect them.
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>
#include <version>

#define TRAP @  // not a C++ token

// Qt
#define signals TRAP
#define slots TRAP
#define emit TRAP
#define foreach TRAP
#define forever TRAP
#define SIGNAL TRAP
#define SLOT TRAP
// windows.h and what it includes
#define min(a, b) TRAP
#define max(a, b) TRAP
#define near TRAP
#define far TRAP
#define small TRAP
#define hyper TRAP
#define interface TRAP
#define IN TRAP
#define OUT TRAP
#define OPTIONAL TRAP
#define CONST TRAP
#define VOID TRAP
#define ERROR TRAP
#define DELETE TRAP
#define STRICT TRAP
#define IGNORE TRAP
#define INFINITE TRAP
#define DOMAIN TRAP
#define OVERFLOW TRAP
#define UNDERFLOW TRAP
#define CreateFile TRAP
#define GetObject TRAP
#define SendMessage TRAP
#define LoadImage TRAP
// X11
#define None TRAP
#define Bool TRAP
#define Status TRAP
#define True TRAP
#define False TRAP
#define Always TRAP
#define Success TRAP
#define Unsorted TRAP
#define Complex TRAP
#define Convex TRAP
#define Above TRAP
#define Below TRAP
#define Expose TRAP
#define KeyPress TRAP
#define FocusIn TRAP
#define GrayScale TRAP
#define Button1 TRAP
// Arduino
#define abs(x) TRAP
#define round(x) TRAP
#define sq(x) TRAP
#define constrain(x, low, high) TRAP
#define radians(x) TRAP
#define degrees(x) TRAP
#define bit(b) TRAP
#define word(x) TRAP
#define PI TRAP
#define HIGH TRAP
#define LOW TRAP
#define INPUT TRAP
#define OUTPUT TRAP
#define DEFAULT TRAP
#define CHANGE TRAP
#define F(x) TRAP
#define B0 TRAP
#define B1 TRAP
// the C library, GNU C++, Python, R, glog, Boost
#define I TRAP
#define major(x) TRAP
#define minor(x) TRAP
#define log2(x) TRAP
#define isnan(x) TRAP
#define isinf(x) TRAP
#define isfinite(x) TRAP
#define signbit(x) TRAP
#undef assert
#define assert(x) TRAP
#define check(x) TRAP
#define verify(x) TRAP
#define require(x) TRAP
#define linux TRAP
#define unix TRAP
#define length TRAP
#define error TRAP
#define warning TRAP
#define CHECK(x) TRAP
#define LOG(x) TRAP
#define INFO TRAP
#define DEBUG TRAP
#define VERSION TRAP
#define PACKAGE TRAP
#define Realloc TRAP
#define Free TRAP
#define likely(x) TRAP
#define unlikely(x) TRAP
#define TRUE TRAP
#define FALSE TRAP

#include <backpass/backpass.hpp>

int main() { return backpass::Network<float>({.sizes = {2, 1}, .seed = 1}).num_layers() == 1 ? 0 : 1; }
