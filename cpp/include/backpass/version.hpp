/// \file version.hpp
/// The version of the library. CMake and the Python build read it from this file.
#pragma once

#define BACKPASS_VERSION_MAJOR 0
#define BACKPASS_VERSION_MINOR 1
#define BACKPASS_VERSION_PATCH 0
#define BACKPASS_VERSION_STRING "0.1.0"
