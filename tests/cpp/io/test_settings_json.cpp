#include "io/settings_json.hpp"

#include <limits>
#include <memory>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>
#include <backpass/error.hpp>

#include "io/json_tree.hpp"
#include "io/random_settings.hpp"

namespace backpass::io {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

using test::Json;

Optimizer read_optimizer(const std::string& text) {
  const JsonValue value = parse_json(text, "the text");
  ObjectReader reader(value, "the optimizer");
  Optimizer optimizer = optimizer_from_json(reader);
  reader.finish();
  return optimizer;
}

Schedule read_schedule(const std::string& text) { return schedule_from_json(parse_json(text, "the text")); }

TEST(SettingsJson, EveryOptimizerIsReadUnchanged) {
  test::Random random(2);
  for (int round = 0; round < 20; ++round) {
    for (Optimizer& optimizer : test::random_optimizers(random)) {
      const std::string json = optimizer_to_json(optimizer).text();
      EXPECT_TRUE(test::same(read_optimizer(json), optimizer)) << json;
    }
  }
}

TEST(SettingsJson, EveryScheduleIsReadUnchanged) {
  test::Random random(3);
  for (int round = 0; round < 20; ++round) {
    for (const Schedule& schedule : test::random_schedules(random)) {
      const std::string json = schedule_to_json(schedule);
      EXPECT_TRUE(test::same(read_schedule(json), schedule)) << json;
    }
  }
}

/// Removes and renames each entry in turn, and sets it to each of several invalid values. All must be refused.
template <class Read>
void expect_damage_is_refused(const std::string& text, Read read_text) {
  const Json sound = Json::parse(text);
  const auto read = [&](const Json& json) { return read_text(json.dump()); };
  ASSERT_NO_THROW(read(sound));
  Json extra = sound;
  extra["surplus"] = 1;
  EXPECT_THROW(read(extra), FormatError) << extra;
  for (const auto& item : sound.items()) {
    Json damaged = sound;
    damaged.erase(item.key());
    EXPECT_THROW(read(damaged), FormatError) << damaged;
    damaged[item.key() + "s"] = item.value();
    EXPECT_THROW(read(damaged), FormatError) << damaged;
    for (const Json& value : {Json(Json::array({1})), Json(Json::object()), Json("text"), Json("nan")}) {
      damaged = sound;
      damaged[item.key()] = value;
      EXPECT_THROW(read(damaged), FormatError) << damaged;
    }
  }
}

TEST(SettingsJson, DamagedSettingsAreRefused) {
  test::Random random(4);
  for (Optimizer& optimizer : test::random_optimizers(random)) {
    expect_damage_is_refused(optimizer_to_json(optimizer).text(), read_optimizer);
  }
  for (const Schedule& schedule : test::random_schedules(random)) {
    if (!std::holds_alternative<schedules::ReduceOnPlateau>(schedule)) {  // its `best` may be NaN, so "nan" is valid
      expect_damage_is_refused(schedule_to_json(schedule), read_schedule);
    }
  }
  for (const char* text : {"null", "[]", "3", "{}", R"({"name":1})", R"({"name":"adam"})", R"({"name":"Constant2"})"}) {
    EXPECT_THROW(read_optimizer(text), FormatError) << text;
    EXPECT_THROW(static_cast<void>(read_schedule(text)), FormatError) << text;
  }
}

TEST(SettingsJson, WhatIsOutOfRangeIsNeitherSavedNorLoaded) {
  SGD sgd{.lr = kInfinity};
  EXPECT_THROW(static_cast<void>(optimizer_to_json(sgd)), std::invalid_argument);
  sgd.lr = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(static_cast<void>(optimizer_to_json(sgd)), std::invalid_argument);

  const Schedule schedule = schedules::Step{.step_size = 0, .gamma = 0.5};
  EXPECT_THROW(static_cast<void>(schedule_to_json(schedule)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(read_schedule(R"({"name":"Step","step_size":0,"gamma":0.5})")), FormatError);
  EXPECT_NO_THROW(static_cast<void>(read_schedule(R"({"name":"Step","step_size":1,"gamma":0.5})")));
}

TEST(SettingsJson, WarmUpsBehindWarmUpsEnd) {
  const auto nested = [](int depth) {
    Schedule schedule = schedules::Constant{};
    for (int i = 1; i < depth; ++i) {
      schedule = schedules::LinearWarmup{.steps = 1, .start_factor = 0.5, .then = std::make_shared<Schedule>(schedule)};
    }
    return schedule;
  };
  const std::string deepest = schedule_to_json(nested(16));
  EXPECT_TRUE(test::same(read_schedule(deepest), nested(16)));
  EXPECT_THROW(static_cast<void>(schedule_to_json(nested(17))), std::invalid_argument);
  const std::string deeper = R"({"name":"LinearWarmup","steps":1,"start_factor":0.5,"then":)" + deepest + '}';
  EXPECT_THROW(static_cast<void>(read_schedule(deeper)), FormatError);

  auto circle = std::make_shared<Schedule>(schedules::LinearWarmup{.steps = 1});
  std::get<schedules::LinearWarmup>(*circle).then = circle;
  EXPECT_THROW(static_cast<void>(schedule_to_json(*circle)), std::invalid_argument);
  std::get<schedules::LinearWarmup>(*circle).then = nullptr;
}

}  // namespace
}  // namespace backpass::io
