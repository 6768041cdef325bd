#include "io/json.hpp"

#include <bit>
#include <cstdint>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>
#include <backpass/error.hpp>

#include "io/allocations.hpp"
#include "io/json_tree.hpp"
#include "io/json_writer.hpp"

namespace backpass::io {
namespace {

using Kind = JsonValue::Kind;

JsonValue parse(std::string_view text) { return parse_json(text, "the text"); }

bool refused(std::string_view text) {
  try {
    static_cast<void>(parse(text));
    return false;
  } catch (const FormatError&) {
    return true;
  }
}

double through_text(double value) { return to_number(parse(json_number(value)), "the number"); }

TEST(Json, DoublesAreReadBitForBit) {
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

TEST(Json, RefusesInvalidJson) {
  for (const char* text :
       {"",       " ",   "{",        "}",   "[1,]",  "{\"a\":}", "nul", "1 2", "{} {}", "\"\xff\"", "\"\x01\"", "1e999",
        "-1e999", "NaN", "Infinity", "'a'", "{a:1}", "/**/1",    "[1",  "\"a", "01",    "+1",       "0x1"}) {
    EXPECT_TRUE(refused(text)) << text;
  }
  EXPECT_TRUE(refused(std::string_view("1\0", 2)));
  EXPECT_TRUE(refused(std::string(3000, '1')));
  EXPECT_FALSE(refused(R"({"a":[1,-2,3.5,true,null,"x",{}],"b":{"a":1}})"));
  try {
    static_cast<void>(parse("[1, x]"));
    ADD_FAILURE();
  } catch (const FormatError& error) {
    EXPECT_STREQ(error.what(), "the text is not valid JSON at byte 5");
  }
}

TEST(Json, ReadsEveryKindOfValue) {
  const JsonValue value = parse(" [ null ,\ttrue,\r\n7 ,-7,0.5,\"x\\\"\", [ ] , { \"k\" : { } } ] ");
  ASSERT_EQ(value.kind, Kind::list);
  ASSERT_EQ(value.items.size(), 8U);
  EXPECT_EQ(value.items[0].kind, Kind::null);
  EXPECT_TRUE(value.items[1].boolean);
  EXPECT_EQ(value.items[2].count, 7U);
  EXPECT_EQ(value.items[3].integer, -7);
  EXPECT_EQ(value.items[4].real, 0.5);
  EXPECT_EQ(value.items[5].text, "x\"");
  EXPECT_EQ(value.items[6].kind, Kind::list);
  ASSERT_EQ(value.items[7].items.size(), 1U);
  EXPECT_EQ(value.items[7].items[0].key, "k");
  EXPECT_EQ(value.items[7].items[0].kind, Kind::object);
}

TEST(Json, RefusesAKeyTwiceInOneObject) {
  EXPECT_TRUE(refused(R"({"a":1,"a":1})"));
  EXPECT_TRUE(refused(R"({"a":1,"\u0061":1})"));
  EXPECT_TRUE(refused(R"([{"b":{"c":1,"d":2,"c":3}}])"));
  EXPECT_FALSE(refused(R"([{"a":1},{"a":{"a":1}}])"));
}

TEST(Json, RefusesDeepNestingAndTooManyValuesBeforeTheyCostMemory) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_FALSE(refused(nested(kMaxJsonDepth)));
  EXPECT_TRUE(refused(nested(kMaxJsonDepth + 1)));
  const auto list_of = [](std::size_t count) {
    std::string text = "[0";
    for (std::size_t i = 1; i < count; ++i) {
      text += ",0";
    }
    return text + ']';
  };
  EXPECT_FALSE(refused(list_of(kMaxJsonValues - 1))) << "the list itself counts as one value";
  EXPECT_TRUE(refused(list_of(kMaxJsonValues)));
  std::string many = "[";
  for (int i = 0; i < 300'000; ++i) {
    many += "{},";
  }
  const test::AllocationPeak peak;
  EXPECT_TRUE(refused(many));
  EXPECT_TRUE(refused(std::string(1'000'000, '[')));
  EXPECT_LT(peak.bytes(), 2'000'000U);  // holds the second text and little more
}

TEST(Json, ListsThatAreTakenTakeNoMemory) {
  std::string text = R"({"other":{"list":[9,9]},"list":[)";
  constexpr int kMany = 100'000;
  for (int i = 0; i < kMany; ++i) {
    text += std::to_string(i) + R"(,{"deep":[[1],{"list":[1,2]}]},)";
  }
  text += R"(-1],"after":true})";
  std::vector<std::uint64_t> counts;
  counts.reserve(kMany);
  int objects = 0;
  int negative = 0;
  const ListSink sinks[] = {{"", "list", [&](const JsonValue& element) {
                               if (element.kind == Kind::count) {
                                 counts.push_back(element.count);
                               } else if (element.kind == Kind::object) {
                                 objects += element.items.at(0).items.at(1).items.at(0).items.at(1).count == 2 ? 1 : 0;
                               } else {
                                 negative += element.integer == -1 ? 1 : 0;
                               }
                             }}};
  const test::AllocationPeak peak;
  const JsonValue value = parse_json(text, "the text", sinks);
  EXPECT_LT(peak.bytes(), 20'000U);
  ASSERT_EQ(counts.size(), static_cast<std::size_t>(kMany));
  EXPECT_EQ(counts[777], 777U);
  EXPECT_EQ(objects, kMany);
  EXPECT_EQ(negative, 1);
  ASSERT_EQ(value.items.size(), 3U);
  EXPECT_EQ(value.items[0].items[0].items.size(), 2U) << "a list of another object stays in the tree";
  EXPECT_EQ(value.items[1].kind, Kind::list);
  EXPECT_TRUE(value.items[1].items.empty());
  EXPECT_TRUE(value.items[2].boolean);

  EXPECT_THROW(static_cast<void>(parse_json(R"({"list":[1],"list":[2]})", "the text", sinks)), FormatError);
  std::string deep_element = R"({"list":[)";
  for (int i = 0; i < 1000; ++i) {
    deep_element += "[0,";
  }
  EXPECT_THROW(static_cast<void>(parse_json(deep_element, "the text", sinks)), FormatError);
}

/// Strings longer than the pieces that the parser gets, made of sequences that must not be cut.
TEST(Json, LongStringsAreReadUnchanged) {
  const char* const units[] = {"x", "\xc3\xa9", "\xe6\x97\xa5", "\xf0\x9f\x98\x80", "\n", "\"", "\\", "\x01"};
  std::mt19937_64 random(2);
  for (int round = 0; round < 40; ++round) {
    std::string text;
    const std::size_t length = 60'000 + random() % 200'000;
    const char* const only = round < 16 ? units[round % 8] : nullptr;
    while (text.size() < length) {
      text += only != nullptr ? only : units[random() % 8];
    }
    const std::string ours = json_string(text, "the text");
    ASSERT_EQ(ours, test::Json(text).dump());
    ASSERT_EQ(parse(ours).text, text);
    // Every character as an escape sequence, including surrogate pairs.
    ASSERT_EQ(parse(test::Json(text).dump(-1, ' ', true)).text, text);
    ASSERT_EQ(parse("{" + ours + ":1}").items.at(0).key, text);
  }
}

/// The hexadecimal digits of an escape sequence may be capitals. A piece must not end within a surrogate pair.
TEST(Json, LongStringsOfEscapesInCapitalsAreReadUnchanged) {
  const std::string emoji = "\xf0\x9f\x98\x80";
  std::string escapes = "\\u00E9";  // so that a piece would end within a pair if it counted single escapes
  std::string expected = "\xc3\xa9";
  for (int i = 0; i < 20'000; ++i) {
    escapes += "\\uD83D\\uDE00";
    expected += emoji;
  }
  EXPECT_EQ(parse('"' + escapes + '"').text, expected);
}

TEST(Json, LongStringsThatAreWrongAreRefused) {
  const std::string half(80'000, 'x');
  for (const char* wrong :
       {"\xff", "\xc3", "\\x", "\\u12g4", "\\u", "\\ud", "\\ud83d", "\\ude00", "\\ud83dx", "\x01", "\n"}) {
    EXPECT_TRUE(refused("\"" + half + wrong + half + "\"")) << wrong;
    EXPECT_TRUE(refused("\"" + half + wrong + "\"")) << wrong;
    EXPECT_TRUE(refused("\"" + half + half + wrong)) << wrong;
  }
  EXPECT_TRUE(refused("\"" + half + "\\\""));
  EXPECT_TRUE(refused("\"" + half + "\" \"\""));
  try {
    static_cast<void>(parse("[\"" + half + half + "\xff" + half + "\"]"));
    ADD_FAILURE();
  } catch (const FormatError& error) {
    EXPECT_STREQ(error.what(), "the text is not valid JSON at byte 160003")
        << "counting the bracket, the quote and the byte itself";
  }
}

TEST(Json, WritesWhatTheParsersOwnWriterWrites) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 20'000; ++i) {
    const auto value = std::bit_cast<double>(random());
    if (std::isfinite(value)) {
      ASSERT_EQ(json_number(value), test::Json(value).dump());
    }
  }
  ObjectWriter object;
  EXPECT_EQ(object.text(), "{}");
  object.set("b", "1");
  object.set("a", json_string("x\"y", "the text"));
  EXPECT_EQ(object.text(), (test::Json{{"a", "x\"y"}, {"b", 1}}).dump());
  ListWriter list;
  list.add("1");
  list.add("[]");
  EXPECT_EQ(std::move(list).text(), "[1,[]]");
  EXPECT_EQ(ListWriter().text(), "[]");
  EXPECT_THROW(static_cast<void>(json_string("\xff", "the text")), std::invalid_argument);
}

TEST(Json, ReaderNamesTheError) {
  const JsonValue object = parse(R"({"n":1.5,"i":-3,"c":18446744073709551615,"b":true,"t":"x","l":[1],"inf":"inf"})");
  ObjectReader reader(object, "here");
  EXPECT_EQ(reader.number("n"), 1.5);
  EXPECT_EQ(reader.number("i"), -3.0);
  EXPECT_EQ(reader.integer("i"), -3);
  EXPECT_EQ(reader.count("c"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_TRUE(reader.boolean("b"));
  EXPECT_EQ(reader.text("t"), "x");
  EXPECT_EQ(reader.list("l").items.size(), 1U);
  EXPECT_THROW(reader.finish(), FormatError) << "the member inf was not read";
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
