/// The memory of early stopping and of a Checkpoint in a file.
#include "io/training_memory.hpp"

#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <backpass/error.hpp>
#include <backpass/serialize.hpp>

#include "io/json_tree.hpp"
#include "io/random_settings.hpp"

namespace backpass::io {
namespace {

using test::Json;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

StoredMemory read(const std::string& text) { return memory_from_json(parse_json(text, "the text")); }

TEST(TrainingMemoryJson, BestValuesAreLoadedUnchanged) {
  for (const std::optional<double> best :
       {std::optional<double>(), std::optional(0.25), std::optional(-std::numeric_limits<double>::infinity())}) {
    TrainingMemory memory;
    memory.best = best;
    EXPECT_EQ(read(memory_to_json(memory)).memory.best, best);
    EXPECT_EQ(read(memory_to_json(memory)).memory.best_saved, std::nullopt);
    memory.best = std::nullopt;
    memory.best_saved = best;
    EXPECT_EQ(read(memory_to_json(memory)).memory.best_saved, best);
    EXPECT_EQ(read(memory_to_json(memory)).memory.best, std::nullopt);
  }
}

TEST(TrainingMemoryJson, ABestValueIsNotNan) {
  for (auto member : {&TrainingMemory::best, &TrainingMemory::best_saved}) {
    TrainingMemory memory;
    memory.*member = kNan;
    EXPECT_THROW(static_cast<void>(memory_to_json(memory)), std::invalid_argument);
  }
  for (const char* key : {"best", "best_saved"}) {
    Json value = Json::parse(memory_to_json({}));
    value[key] = "nan";
    try {
      static_cast<void>(read(value.dump()));
      ADD_FAILURE() << key;
    } catch (const FormatError& error) {
      EXPECT_EQ(error.what(), "the training's memory: " + std::string(key) + " is NaN");
    }
  }
}

TEST(TrainingMemoryJson, ShardsAndWindowsAreLoadedUnchanged) {
  TrainingMemory memory;
  EXPECT_EQ(read(memory_to_json(memory)).memory.shards, 1U);
  EXPECT_EQ(read(memory_to_json(memory)).memory.window_rows, 0U);
  memory.shards = 8;
  memory.window_rows = 4096;
  EXPECT_EQ(read(memory_to_json(memory)).memory.shards, 8U);
  EXPECT_EQ(read(memory_to_json(memory)).memory.window_rows, 4096U);
}

TEST(TrainingMemoryJson, TheNamesOfSeriesAreAShortListOfTexts) {
  Json value = Json::parse(memory_to_json({}));
  const Json too_many(std::vector<std::string>(kMaxJsonValues / 2 + 1, "a"));
  for (const auto& [names, text] : {std::pair{too_many, "series, but at most"},
                                    {Json(std::vector<int>{1}), "the name of a series is not a text"}}) {
    value["series"] = names;
    try {
      static_cast<void>(read(value.dump()));
      ADD_FAILURE() << text;
    } catch (const FormatError& error) {
      EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what();
    }
  }
}

TEST(TrainingMemoryJson, FilesHaveTheSchedulesOfDropoutAndWeightDecay) {
  const Network<float> network({.sizes = {2, 3}, .seed = 1});
  const auto load = [&](const TrainingMemory& memory) {
    return std::get<SavedTraining<float>>(from_bytes(to_bytes(network, {.memory = &memory}))).memory;
  };
  EXPECT_FALSE(load({}).dropout_schedule || load({}).weight_decay_schedule);
  test::Random random(6);
  const std::vector<Schedule> schedules = test::random_schedules(random);
  for (std::size_t i = 0; i < schedules.size(); ++i) {
    TrainingMemory memory;
    memory.dropout_schedule = schedules[i];
    EXPECT_FALSE(load(memory).weight_decay_schedule);
    EXPECT_TRUE(test::same(*load(memory).dropout_schedule, schedules[i]));
    memory.weight_decay_schedule = schedules[schedules.size() - 1 - i];
    memory.base_weight_decay = 0.1 * static_cast<double>(i + 1);
    const TrainingMemory loaded = load(memory);
    EXPECT_TRUE(test::same(*loaded.dropout_schedule, schedules[i]));
    EXPECT_TRUE(test::same(*loaded.weight_decay_schedule, *memory.weight_decay_schedule));
    EXPECT_EQ(loaded.base_weight_decay, memory.base_weight_decay);
  }
}

TEST(TrainingMemoryJson, BestParametersOfAnotherNetworkAreNotSaved) {
  const Network<float> network({.sizes = {2, 3}, .seed = 1});  // 9 parameters
  const auto refused = [&](const TrainingMemory& memory) {
    try {
      static_cast<void>(to_bytes(network, {.memory = &memory}));
      return false;
    } catch (const std::invalid_argument&) {
      return true;
    }
  };
  TrainingMemory memory;
  EXPECT_FALSE(refused(memory));
  memory.parameters_f32.resize(9);
  EXPECT_FALSE(refused(memory));
  memory.parameters_f32.resize(8);
  EXPECT_TRUE(refused(memory)) << "another number of parameters";
  memory.parameters_f32.clear();
  memory.parameters_f64.resize(9);
  EXPECT_TRUE(refused(memory)) << "another type";
}

}  // namespace
}  // namespace backpass::io
