#include "io/temporary_name.hpp"

#include <cstdint>
#include <cstdio>
#include <type_traits>

namespace backpass::io {
namespace {

/// FNV-1a
std::uint64_t hash(const std::filesystem::path::string_type& text) {
  std::uint64_t result = 0xcbf29ce484222325U;
  for (const auto c : text) {
    result = (result ^ static_cast<std::make_unsigned_t<std::filesystem::path::value_type>>(c)) * 0x100000001b3U;
  }
  return result;
}

}  // namespace

std::filesystem::path temporary_name(const std::filesystem::path& target, unsigned long long number) {
  char name[64];
  std::snprintf(name, sizeof name, ".backpass-%016llx-%llx.tmp",
                static_cast<unsigned long long>(hash(target.filename().native())), number);
  return target.parent_path() / name;
}

}  // namespace backpass::io
