/// Loads files of every released version, made by tests/golden/make.py.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <backpass/serialize.hpp>

#include "io/json_tree.hpp"

namespace backpass {
namespace {

namespace fs = std::filesystem;
using test::Json;

std::vector<fs::path> golden_files() {
  std::vector<fs::path> result;
  const fs::path directory = BACKPASS_GOLDEN_DIR;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.path().extension() == ".safetensors") {
      result.push_back(entry.path());
    }
  }
  std::sort(result.begin(), result.end());
  return result;
}

template <class T>
void expect_near(std::span<const T> values, const std::vector<double>& expected) {
  // The numbers are of the order of 1 and are sums of few terms.
  const double tolerance = 100 * std::numeric_limits<T>::epsilon();
  ASSERT_EQ(values.size(), expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_NEAR(values[i], expected[i], tolerance) << i;
  }
}

template <class T>
void check(SavedTraining<T>& loaded, const Json& expected) {
  Network<T>& network = loaded.network;
  const auto sizes = expected.at("sizes").get<std::vector<std::size_t>>();
  EXPECT_TRUE(std::equal(sizes.begin(), sizes.end(), network.sizes().begin(), network.sizes().end()));
  for (std::size_t i = 0; i < network.num_layers(); ++i) {
    const Json& layer = expected.at("layers").at(i);
    EXPECT_EQ(network.spec(i).bias, layer.at("bias").get<bool>());
    EXPECT_EQ(network.spec(i).dropout, layer.at("dropout").get<double>());
    EXPECT_EQ(network.spec(i).trainable, layer.at("trainable").get<bool>());
    EXPECT_EQ(network.spec(i).lr_scale, layer.at("lr_scale").get<double>());
  }
  const Json& parameters = expected.at("parameters");
  ASSERT_EQ(network.num_parameters(), parameters.size());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    EXPECT_EQ(network.parameters()[i], std::strtod(parameters[i].get<std::string>().c_str(), nullptr)) << i;
  }
  EXPECT_EQ(loaded.epochs, expected.at("epochs").get<std::size_t>());
  EXPECT_EQ(loaded.steps, expected.at("steps").get<std::int64_t>());
  EXPECT_EQ(loaded.metadata, (expected.at("metadata").get<std::map<std::string, std::string>>()));
  EXPECT_TRUE(loaded.schedule);

  std::vector<T> x;
  std::vector<double> outputs;
  for (const Json& row : expected.at("x")) {
    for (const Json& value : row) {
      x.push_back(static_cast<T>(value.get<double>()));
    }
  }
  for (const Json& row : expected.at("outputs")) {
    for (const Json& value : row) {
      outputs.push_back(value.get<double>());
    }
  }
  const std::size_t rows = expected.at("x").size();
  const ConstMatrixView<T> inputs(x.data(), rows, sizes.front());
  std::vector<T> a(rows * sizes.back());
  network.predict(inputs, {a.data(), rows, sizes.back()});
  expect_near<T>(a, outputs);

  const auto labels = expected.at("labels").get<std::vector<std::int32_t>>();
  ASSERT_TRUE(loaded.optimizer);
  const double loss = network.train_step(inputs, labels, CrossEntropy{}, *loaded.optimizer);
  const Json& next = expected.at("next_step");
  EXPECT_NEAR(loss, next.at("loss").get<double>(), 100 * std::numeric_limits<T>::epsilon());
  expect_near<T>(network.parameters(), next.at("parameters").get<std::vector<double>>());
}

class Golden : public testing::TestWithParam<fs::path> {};

TEST_P(Golden, LoadsAndContinuesTraining) {
  std::ifstream in(fs::path(GetParam()).replace_extension(".json"), std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const Json expected = Json::parse(text);
  AnySavedTraining loaded = load_any_checkpoint(GetParam());
  EXPECT_EQ(std::holds_alternative<SavedTraining<float>>(loaded), expected.at("dtype") == "float32");
  std::visit([&](auto& checkpoint) { check(checkpoint, expected); }, loaded);
}

std::string test_name(const testing::TestParamInfo<fs::path>& file) {
  std::string name = file.param.stem().string();
  std::replace_if(name.begin(), name.end(), [](char c) { return c == '.' || c == '-'; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Versions, Golden, testing::ValuesIn(golden_files()), test_name);

TEST(GoldenFiles, AreThere) { EXPECT_GE(golden_files().size(), 2U); }

}  // namespace
}  // namespace backpass
