#include "io/source.hpp"

#include <array>
#include <cstddef>

#include <gtest/gtest.h>
#include <backpass/error.hpp>

namespace backpass::io {
namespace {

TEST(MemorySource, ReadsWithinItsBytesOnly) {
  const std::array bytes{std::byte{1}, std::byte{2}, std::byte{3}};
  MemorySource source(bytes);
  EXPECT_EQ(source.size(), 3U);
  std::array<std::byte, 2> buffer{};
  source.read(1, buffer);
  EXPECT_EQ(buffer, (std::array{std::byte{2}, std::byte{3}}));
  EXPECT_THROW(source.read(2, buffer), FormatError);
  EXPECT_THROW(source.read(4, buffer), FormatError);
  EXPECT_EQ(buffer, (std::array{std::byte{2}, std::byte{3}})) << "a refused read changes nothing";
}

}  // namespace
}  // namespace backpass::io
