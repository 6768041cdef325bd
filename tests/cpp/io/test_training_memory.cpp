/// The memory of early stopping and of a Checkpoint in a file.
#include "io/training_memory.hpp"

#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <backpass/error.hpp>
#include <backpass/serialize.hpp>

#include "io/json_tree.hpp"

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
