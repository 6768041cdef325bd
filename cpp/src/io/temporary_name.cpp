#include "io/temporary_name.hpp"

#include <cstdint>
#include <cstdio>
#include <string>

namespace backpass::io {
namespace {

/// FNV-1a
std::uint64_t hash(const std::u8string& text) {
  std::uint64_t result = 0xcbf29ce484222325U;
  for (const char8_t c : text) {
    result = (result ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  return result;
}

}  // namespace

std::filesystem::path temporary_name(const std::filesystem::path& target, unsigned long long number) {
  char name[64];
  std::snprintf(name, sizeof name, ".backpass-%016llx-%llx.tmp",
                static_cast<unsigned long long>(hash(target.filename().u8string())), number);
  return target.parent_path() / name;
}

}  // namespace backpass::io
