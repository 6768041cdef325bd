#include "io/containers.hpp"

#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <backpass/error.hpp>

#include "base/checked.hpp"
#include "io/allocations.hpp"

namespace backpass::io {
namespace {

using test::Bytes;

Bytes file(std::string_view header, std::size_t data_size, std::uint64_t claimed_length) {
  Bytes bytes;
  for (unsigned i = 0; i < 8; ++i) {
    bytes.push_back(static_cast<std::byte>(claimed_length >> (8 * i)));
  }
  for (char c : header) {
    bytes.push_back(static_cast<std::byte>(c));
  }
  bytes.resize(bytes.size() + data_size);
  return bytes;
}
Bytes file(std::string_view header, std::size_t data_size) { return file(header, data_size, header.size()); }

/// The message with which parse() refuses the bytes, or "" if it accepts them.
std::string complaint(const Bytes& bytes) {
  try {
    static_cast<void>(test::parse_container(bytes));
    return "";
  } catch (const FormatError& error) {
    return error.what();
  }
}
std::string complaint(std::string_view header, std::size_t data_size) { return complaint(file(header, data_size)); }

TEST(CheckedSizes, RefuseToWrap) {
  constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();
  EXPECT_EQ(checked_add(kMost - 1, 1), kMost);
  EXPECT_FALSE(checked_add(kMost, 1));
  EXPECT_EQ(checked_mul(kMost / 2, 2), kMost - 1);
  EXPECT_FALSE(checked_mul(kMost / 2 + 1, 2));
  EXPECT_EQ(checked_mul(kMost, 0), 0U);
  EXPECT_EQ(checked_product({}), 1U);
  const std::size_t wraps[] = {std::size_t{1} << 33U, std::size_t{1} << 33U};
  EXPECT_FALSE(checked_product(wraps));
}

TEST(Container, ReadsWhatItWrites) {
  const Metadata metadata = {{"", ""}, {"key", "line\nquote\" back\\slash \xc3\xa9"}};
  const std::vector<TensorEntry> entries = {
      {"b", kElementType<float>, {2, 3}}, {"a", kElementType<double>, {1}}, {"empty", kElementType<float>, {0, 7}}};
  Bytes b_data(24);
  for (std::size_t i = 0; i < 24; ++i) {
    b_data[i] = static_cast<std::byte>(i + 1);
  }
  Bytes a_data(8);
  a_data[7] = std::byte{99};
  const Bytes bytes = test::make_container(metadata, entries, std::vector{b_data, a_data});
  EXPECT_EQ((bytes.size() - 32) % 8, 0U) << "the data begin at a multiple of 8 bytes";
  EXPECT_EQ(start_container(metadata, entries).file_size, bytes.size());

  const Container read = test::parse_container(bytes);
  EXPECT_EQ(read.metadata(), metadata);
  ASSERT_EQ(read.tensors().size(), 3U);
  const Tensor* b = read.find("b");
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(b->type.name, "F32");
  EXPECT_EQ(b->shape, (Shape{2, 3}));
  EXPECT_EQ(test::bytes_of(*b, bytes).size(), 24U);
  EXPECT_EQ(test::bytes_of(*b, bytes)[23], std::byte{24});
  EXPECT_EQ(test::bytes_of(*read.find("a"), bytes)[7], std::byte{99});
  EXPECT_EQ(read.find("empty")->begin, read.find("empty")->end);
  EXPECT_EQ(read.find("c"), nullptr);
}

TEST(Container, TakesWhatTheFormatAllows) {
  EXPECT_EQ(complaint("{}", 0), "");
  EXPECT_EQ(complaint("{}   ", 0), "");
  EXPECT_EQ(complaint(R"({"__metadata__":{}})", 0), "");
  EXPECT_EQ(complaint(R"({ "scalar" : {"data_offsets":[0,2], "shape":[], "dtype":"BF16"} })", 2), "");
  EXPECT_EQ(
      complaint(
          R"({"z":{"dtype":"U8","shape":[3],"data_offsets":[2,5]},"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})",
          5),
      "");
}

TEST(Container, RefusesFilesThatAreTooShort) {
  EXPECT_NE(complaint(Bytes{}), "");
  EXPECT_NE(complaint(Bytes(7)), "");
  EXPECT_NE(complaint(Bytes(8)), "");  // an empty header
  EXPECT_NE(complaint(file("{}", 0, 3)), "");
  EXPECT_NE(complaint(file("{}", 0, std::numeric_limits<std::uint64_t>::max())), "");
  EXPECT_NE(complaint(file("{}", 0, std::uint64_t{1} << 63U)), "");
}

TEST(Container, RefusesAHeaderBeyondTheLimit) {
  std::string header = "{}";
  header.resize(100'000'000, ' ');
  EXPECT_EQ(complaint(header, 0), "");
  header += ' ';
  EXPECT_NE(complaint(header, 0), "");
}

TEST(Container, RefusesBrokenHeaders) {
  const char* const headers[] = {
      "",
      " {}",
      "[]",
      "{",
      "{]",
      "{}x",
      "{},",
      "{} {}",
      "\xef\xbb\xbf{}",
      R"({"a":1})",
      R"({"a":null})",
      R"({"a":"x"})",
      R"({"a":[]})",
      R"({"a":{}})",
      R"({"a":{"dtype":"U8","shape":[0]}})",
      R"({"a":{"dtype":"U8","data_offsets":[0,0]}})",
      R"({"a":{"shape":[0],"data_offsets":[0,0]}})",
      R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"extra":1}})",
      R"({"a":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}})",
      R"({"a":{"dtype":"U8","shape":[0],"shape":[0],"data_offsets":[0,0]}})",
      R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"data_offsets":[0,0]}})",
      R"({"a":{"dtype":"U9","shape":[0],"data_offsets":[0,0]}})",
      R"({"a":{"dtype":8,"shape":[0],"data_offsets":[0,0]}})",
      R"({"a":{"dtype":["U8"],"shape":[0],"data_offsets":[0,0]}})",
      R"({"a":{"dtype":"U8","shape":0,"data_offsets":[0,0]}})",
      R"({"a":{"dtype":"U8","shape":{},"data_offsets":[0,0]}})",
      R"({"a":{"dtype":"U8","shape":[[0]],"data_offsets":[0,0]}})",
      R"({"a":{"dtype":"U8","shape":["0"],"data_offsets":[0,0]}})",
      R"({"a":{"dtype":"U8","shape":[-0],"data_offsets":[0,0]}})",
      R"({"a":{"dtype":"U8","shape":[0.0],"data_offsets":[0,0]}})",
      R"({"a":{"dtype":"U8","shape":[true],"data_offsets":[0,0]}})",
      R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,0]}})",
      R"({"a":{"dtype":"U8","shape":[0,1,1,1,1,1,1,1,1],"data_offsets":[0,0]}})",
      R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0]}})",
      R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[]}})",
      R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0,0]}})",
      R"({"a":{"dtype":"U8","shape":[0],"data_offsets":{"0":0}}})",
      R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})",
      R"({"__metadata__":1})",
      R"({"__metadata__":null})",
      R"({"__metadata__":[]})",
      R"({"__metadata__":{"a":1}})",
      R"({"__metadata__":{"a":{}}})",
      R"({"__metadata__":{"a":null}})",
      R"({"__metadata__":{"a":"1","a":"1"}})",
      R"({"__metadata__":{},"__metadata__":{}})",
      "{\"__metadata__\":{\"a\":\"\xff\"}}",
      "{\"__metadata__\":{\"a\":\"\x01\"}}",
  };
  for (const char* header : headers) {
    EXPECT_NE(complaint(header, 0), "") << header;
  }
  // A parser must not take a zero byte for the end of the text.
  EXPECT_NE(complaint(std::string_view("{}\0", 3), 0), "");
  EXPECT_NE(complaint(std::string_view("{}\0{", 4), 0), "");
}

TEST(Container, RefusesOffsetsThatDoNotCoverTheData) {
  const std::string a = R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]})";
  EXPECT_EQ(complaint(a + "}", 2), "");
  EXPECT_NE(complaint(a + "}", 1), "") << "cut short";
  EXPECT_NE(complaint(a + "}", 3), "") << "a byte after the end";
  EXPECT_NE(complaint(a + R"(,"b":{"dtype":"U8","shape":[2],"data_offsets":[3,5]}})", 5), "") << "a gap";
  EXPECT_NE(complaint(a + R"(,"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})", 3), "") << "an overlap";
  EXPECT_NE(complaint(a + R"(,"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", 2), "")
      << "two tensors share bytes";
  EXPECT_NE(complaint(a + R"(,"b":{"dtype":"U8","shape":[0],"data_offsets":[1,1]}})", 2), "") << "inside another";
  EXPECT_NE(complaint(a + R"(,"b":{"dtype":"U8","shape":[0],"data_offsets":[3,3]}})", 2), "") << "beyond the end";
  EXPECT_NE(complaint(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[2,0]}})", 2), "") << "backwards";
}

TEST(Container, RefusesShapesThatDoNotMatchTheBytes) {
  const auto with_shape = [](const std::string& shape) {
    return complaint(R"({"a":{"dtype":"F32","shape":)" + shape + R"(,"data_offsets":[0,8]}})", 8);
  };
  EXPECT_EQ(with_shape("[2]"), "");
  EXPECT_EQ(with_shape("[1,2]"), "");
  EXPECT_NE(with_shape("[]"), "");
  EXPECT_NE(with_shape("[1]"), "");
  EXPECT_NE(with_shape("[0]"), "");
  EXPECT_NE(with_shape("[3]"), "");
  // Products that are 2 modulo 2^64, in elements and in bytes.
  EXPECT_NE(with_shape("[4611686018427387906]"), "");
  EXPECT_NE(with_shape("[9223372036854775809,2]"), "");
  EXPECT_NE(with_shape("[4294967296,4294967296,2]"), "");
  EXPECT_NE(with_shape("[18446744073709551618]"), "");
  EXPECT_NE(with_shape("[1e400]"), "");
}

TEST(Container, MessagesShortenAndEscapeNames) {
  const std::string name = std::string(100'000, 'x') + "\xc3\xa9";
  const std::string message =
      complaint("{\"\xc3\xa9\\n" + name + R"(":{"dtype":"U8","shape":[1],"data_offsets":[0,0]}})", 0);
  EXPECT_NE(message.find(R"('\xc3\xa9\x0axxx)"), std::string::npos) << message;
  EXPECT_LT(message.size(), 300U);
}

/// Whether reading `bytes` needs at most four times the file's size plus 1 MB.
bool is_bounded(const Bytes& bytes) {
  const test::AllocationPeak peak;
  (void)complaint(bytes);
  return peak.bytes() <= 4 * bytes.size() + 1'000'000;
}

/// A header with `count` elements item(i).
template <class Item>
std::string repeated(const char* begin, int count, const char* end, Item item) {
  std::string text = begin;
  for (int i = 0; i < count; ++i) {
    text += (i == 0 ? "" : ",") + item(i);
  }
  return text + end;
}

TEST(Container, MemoryIsBoundedByTheFile) {
  constexpr int kMany = 100'000;
  const std::string million(1'000'000, '[');
  const auto empty_tensor = [](int i) {
    return '"' + std::to_string(i) + R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  };
  const auto empty_text = [](int i) { return '"' + std::to_string(i) + R"(":"")"; };
  const std::string tensors = repeated("{", kMany, "}", empty_tensor);
  EXPECT_EQ(complaint(tensors, 0), "");
  EXPECT_TRUE(is_bounded(file(tensors, 0)));
  const std::string most = repeated(R"({"__metadata__":{)", kMostMetadata, "}}", empty_text);
  EXPECT_EQ(complaint(most, 0), "");
  EXPECT_TRUE(is_bounded(file(most, 0)));
  EXPECT_TRUE(is_bounded(file(repeated(R"({"__metadata__":{)", kMany, "}}", empty_text), 0)));
  EXPECT_TRUE(is_bounded(file(million, 0)));
  EXPECT_TRUE(is_bounded(file("{\"a\":" + million, 0)));
  EXPECT_TRUE(is_bounded(file(R"({"a":{"shape":[)" + std::string(3'000'000, '1'), 0)));
  EXPECT_TRUE(is_bounded(file(repeated(R"({"a":{"shape":[)", kMany, "", [](int) { return std::string("1"); }), 0)));
  // Slightly more than a power of two: the worst case for memory that grows by doubling.
  const std::string blanks((1U << 22U) + 100, ' ');
  EXPECT_EQ(complaint("{" + blanks + "}" + blanks, 0), "");
  EXPECT_TRUE(is_bounded(file("{" + blanks + "}" + blanks, 0)));
  for (const char* unit : {"x", "\xc3\xa9", "\\n", "\\u00e9", "\\ud83d\\ude00", "\xbf", "\\", "\"", "\\ud83d"}) {
    std::string text;
    while (text.size() < (1U << 22U) + 100) {
      text += unit;
    }
    EXPECT_TRUE(is_bounded(file(R"({"__metadata__":{"a":")" + text + "\"}}", 0))) << unit;
    EXPECT_TRUE(is_bounded(file(R"({"__metadata__":{")" + text + "\":\"\"}}", 0))) << unit;
    EXPECT_TRUE(is_bounded(file("{\"" + text, 0))) << unit;
  }
}

TEST(Container, TooManyMetadataAreNotWrittenEither) {
  Metadata metadata;
  for (std::size_t i = 0; i < kMostMetadata; ++i) {
    metadata[std::to_string(i)] = "";
  }
  EXPECT_NO_THROW(static_cast<void>(start_container(metadata, {})));
  metadata["one more"] = "";
  EXPECT_THROW(static_cast<void>(start_container(metadata, {})), std::invalid_argument);
}

TEST(Container, AHeaderBeyondTheLimitIsNotWrittenEither) {
  constexpr std::size_t kMost = 100'000'000;
  const std::size_t rest = start_container({{"k", ""}}, {}).bytes.size() - 8;
  Metadata metadata = {{"k", std::string(kMost - rest, 'x')}};
  EXPECT_EQ(start_container(metadata, {}).bytes.size(), 8 + kMost);
  metadata["k"] += std::string(8, 'x');  // the size of the header is a multiple of 8
  EXPECT_THROW(static_cast<void>(start_container(metadata, {})), std::invalid_argument);
}

TEST(Container, ShapesThatCannotBeAddressedAreNotWritten) {
  const std::size_t half = std::size_t{1} << (std::numeric_limits<std::size_t>::digits - 1);
  const auto refused = [](const std::vector<TensorEntry>& entries) {
    EXPECT_THROW(static_cast<void>(start_container({}, entries)), std::invalid_argument);
  };
  const TensorEntry huge{"a", kElementType<float>, {half / 4, 3}};
  refused({{"a", kElementType<float>, {half, 4}}});
  refused({huge, {"b", kElementType<float>, {half / 4, 3}}});
  refused({{"a", kElementType<double>, {half / 4 - 1}}, {"b", kElementType<double>, {8}}});
  refused({{"a", kElementType<double>, {half / 4 - 1}}});  // the data can be addressed, but not the header before them
}

}  // namespace
}  // namespace backpass::io
