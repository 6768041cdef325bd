#include "io/json.hpp"

#include <bit>
#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include <gtest/gtest.h>
#include <backpass/error.hpp>

#include "io/allocations.hpp"

namespace backpass::io {
namespace {

constexpr std::size_t kEnough = 1000;

Json parse(std::string_view text, std::size_t max_items = kEnough) { return parse_json(text, "the text", max_items); }

bool refused(std::string_view text, std::size_t max_items = kEnough) {
  try {
    static_cast<void>(parse(text, max_items));
    return false;
  } catch (const FormatError&) {
    return true;
  }
}

double through_text(double value) { return to_number(parse(number_to_json(value).dump()), "the number"); }

TEST(Json, DoublesComeBackBitForBit) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200'000; ++i) {
    const auto value = std::bit_cast<double>(random());
    if (value == value) {
      ASSERT_EQ(std::bit_cast<std::uint64_t>(through_text(value)), std::bit_cast<std::uint64_t>(value)) << value;
    }
  }
  using Limits = std::numeric_limits<double>;
  for (double value :
       {0.0, -0.0, 0.1, 1e-3, 1.0 / 3, 5e22, Limits::min(), Limits::denorm_min(), Limits::max(), -Limits::max(),
        Limits::epsilon(), 9007199254740993.0, 1e15, 1e16, 1e17, Limits::infinity(), -Limits::infinity()}) {
    EXPECT_EQ(std::bit_cast<std::uint64_t>(through_text(value)), std::bit_cast<std::uint64_t>(value)) << value;
  }
  EXPECT_NE(through_text(Limits::quiet_NaN()), through_text(Limits::quiet_NaN()));
}

TEST(Json, RefusesWhatIsNoJson) {
  for (const char* text :
       {"",       " ",   "{",        "}",   "[1,]",  "{\"a\":}", "nul", "1 2", "{} {}", "\"\xff\"", "\"\x01\"", "1e999",
        "-1e999", "NaN", "Infinity", "'a'", "{a:1}", "/**/1",    "[1",  "\"a", "01",    "+1",       "0x1"}) {
    EXPECT_TRUE(refused(text)) << text;
  }
  EXPECT_TRUE(refused(std::string_view("1\0", 2)));
  EXPECT_FALSE(refused(R"({"a":[1,-2,3.5,true,null,"x",{}],"b":{"a":1}})"));
}

TEST(Json, RefusesAKeyTwiceInOneObject) {
  EXPECT_TRUE(refused(R"({"a":1,"a":1})"));
  EXPECT_TRUE(refused(R"({"a":1,"\u0061":1})"));
  EXPECT_TRUE(refused(R"([{"b":{"c":1,"d":2,"c":3}}])"));
  EXPECT_FALSE(refused(R"([{"a":1},{"a":{"a":1}}])"));
}

TEST(Json, RefusesDeepNestingAndTooManyItemsBeforeTheyCostMemory) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_FALSE(refused(nested(kMaxJsonDepth)));
  EXPECT_TRUE(refused(nested(kMaxJsonDepth + 1)));
  EXPECT_FALSE(refused("[1,2,{\"a\":3}]", 6));
  EXPECT_TRUE(refused("[1,2,{\"a\":3}]", 5));
  std::string many = "[";
  for (int i = 0; i < 300'000; ++i) {
    many += "{},";
  }
  const test::AllocationPeak peak;
  EXPECT_TRUE(refused(many));
  EXPECT_TRUE(refused(std::string(1'000'000, '[')));
  EXPECT_LT(peak.bytes(), 2'000'000U);  // the texts themselves, and little else
}

TEST(Json, ReaderTellsWhatIsWrong) {
  const Json object = parse(R"({"n":1.5,"i":-3,"c":18446744073709551615,"b":true,"t":"x","l":[1],"inf":"inf"})");
  ObjectReader reader(object, "here");
  EXPECT_EQ(reader.number("n"), 1.5);
  EXPECT_EQ(reader.number("i"), -3.0);
  EXPECT_EQ(reader.integer("i"), -3);
  EXPECT_EQ(reader.count("c"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_TRUE(reader.boolean("b"));
  EXPECT_EQ(reader.text("t"), "x");
  EXPECT_EQ(reader.list("l").size(), 1U);
  EXPECT_THROW(reader.finish(), FormatError) << "inf was not asked for";
  EXPECT_EQ(reader.number("inf"), std::numeric_limits<double>::infinity());
  EXPECT_NO_THROW(reader.finish());

  EXPECT_THROW(static_cast<void>(reader.integer("c")), FormatError) << "beyond 63 bits";
  EXPECT_THROW(static_cast<void>(reader.integer("n")), FormatError);
  EXPECT_THROW(static_cast<void>(reader.count("i")), FormatError);
  EXPECT_THROW(static_cast<void>(reader.count("n")), FormatError);
  EXPECT_THROW(static_cast<void>(reader.number("t")), FormatError);
  EXPECT_THROW(static_cast<void>(reader.number("b")), FormatError);
  EXPECT_THROW(static_cast<void>(reader.finite_number("inf")), FormatError);
  EXPECT_THROW(static_cast<void>(reader.boolean("i")), FormatError);
  EXPECT_THROW(static_cast<void>(reader.text("i")), FormatError);
  EXPECT_THROW(static_cast<void>(reader.list("t")), FormatError);
  EXPECT_THROW(static_cast<void>(reader.member("missing")), FormatError);
  EXPECT_THROW(ObjectReader(parse("[]"), "here"), FormatError);
  try {
    static_cast<void>(reader.boolean("missing"));
  } catch (const FormatError& error) {
    EXPECT_STREQ(error.what(), "here: missing is missing");
  }
}

}  // namespace
}  // namespace backpass::io
