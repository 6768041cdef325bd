#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <backpass/error.hpp>
#include <backpass/serialize.hpp>
#include <backpass/trainer.hpp>

#include "io/containers.hpp"
#include "io/json_tree.hpp"
#include "io/random_networks.hpp"
#include "io/temporary_directory.hpp"

namespace backpass {
namespace {

using test::difference;
using test::random_network;
using test::same;

template <class T>
class Write : public testing::Test {
 protected:
  static SavedTraining<T> read(const std::vector<std::byte>& bytes) {
    return std::get<SavedTraining<T>>(from_bytes(bytes));
  }
};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(Write, Types);

TYPED_TEST(Write, RandomNetworksAreLoadedBitForBit) {
  using T = TypeParam;
  test::Random random(5);
  for (int i = 0; i < 200; ++i) {
    Network<T> network = random_network<T>(random);
    network.set_dropout_state({random(), random()});
    const auto bytes = to_bytes(network);
    SavedTraining<T> loaded = this->read(bytes);
    ASSERT_EQ(difference(network, loaded.network), "");
    EXPECT_FALSE(loaded.optimizer);
    EXPECT_FALSE(loaded.schedule);
    EXPECT_EQ(to_bytes(loaded.network), bytes);
    loaded.network.initialize(7);  // uses the initializers with which the network was made
    network.initialize(7);
    ASSERT_EQ(difference(network, loaded.network), "");
  }
}

/// Arrays of more than one piece (Elements reads and writes 1 MiB at once).
TYPED_TEST(Write, LongArraysOfAnOptimizerAreLoadedUnchanged) {
  using T = TypeParam;
  Network<T> network({.sizes = {600, 700, 1}, .seed = 1});
  for (std::size_t i = 0; i < network.num_parameters(); ++i) {
    network.gradients()[i] = static_cast<T>(i % 8191) / T(8191);
  }
  Adam adam;
  network.step(adam);
  SavedTraining<T> loaded = this->read(to_bytes(network, {.optimizer = adam}));
  EXPECT_EQ(difference(network, loaded.network), "");
  ASSERT_TRUE(loaded.optimizer);
  EXPECT_TRUE(std::get<Adam>(*loaded.optimizer).state.template arrays<T>() == adam.state.template arrays<T>());
}

TYPED_TEST(Write, EveryActivationAndInitializerIsLoadedUnchanged) {
  using T = TypeParam;
  for (std::string_view name : Activation::names()) {
    for (const Initializer& init : {Initializer{}, Initializer::constant(0.25), Initializer::orthogonal(1.5),
                                    Initializer::uniform(0.1), Initializer{InitializerKind::zeros}}) {
      Network<T> network({.sizes = {3, 4, 2}, .activation = Activation::from_name(name), .init = init, .seed = 1});
      Network<T> loaded = this->read(to_bytes(network)).network;
      EXPECT_EQ(difference(network, loaded), "") << name;
      network.initialize(2);
      loaded.initialize(2);
      EXPECT_EQ(difference(network, loaded), "") << name << " " << init.name();
    }
  }
}

TYPED_TEST(Write, EveryBitPatternOfAParameterIsLoadedUnchanged) {
  using T = TypeParam;
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  using Limits = std::numeric_limits<T>;
  test::Random random(6);
  Network<T> network({.sizes = {40, 50, 30}, .seed = 1});
  for (T& parameter : network.parameters()) {
    const auto bits = static_cast<Bits>(random());  // includes quiet and signalling NaN with payloads
    std::memcpy(&parameter, &bits, sizeof bits);
  }
  const T special[] = {Limits::quiet_NaN(),  -Limits::quiet_NaN(), Limits::signaling_NaN(),
                       Limits::infinity(),   -Limits::infinity(),  T(-0.0),
                       Limits::denorm_min(), Limits::max()};
  std::memcpy(network.parameters().data(), special, sizeof special);
  EXPECT_EQ(difference(network, this->read(to_bytes(network)).network), "");
}

TYPED_TEST(Write, TensorsAreThoseOfASequential) {
  using T = TypeParam;
  Network<T> network({.sizes = {2, 3, 4, 5, 6},
                      .activation = std::vector{Activation::relu(), Activation::identity(), Activation::identity(),
                                                Activation::softmax()},
                      .bias = std::vector{true, false, true, true},
                      .dropout = std::vector{0.5, 0.25, 0.0},
                      .seed = 3});
  const auto bytes = to_bytes(network);
  const io::Container container = test::parse_container(bytes);
  // Linear ReLU Dropout | Linear Dropout | Linear | Linear Softmax
  const struct {
    const char* name;
    io::Shape shape;
  } expected[] = {{"0.bias", {3}},      {"0.weight", {3, 2}}, {"3.weight", {4, 3}}, {"5.bias", {5}},
                  {"5.weight", {5, 4}}, {"6.bias", {6}},      {"6.weight", {6, 5}}};
  ASSERT_EQ(container.tensors().size(), std::size(expected));
  for (std::size_t i = 0; i < std::size(expected); ++i) {
    EXPECT_EQ(container.tensors()[i].name, expected[i].name);
    EXPECT_EQ(container.tensors()[i].shape, expected[i].shape) << expected[i].name;
    EXPECT_EQ(container.tensors()[i].type.name, sizeof(T) == 4 ? "F32" : "F64");
  }
  // Row-major (M_i, M_{i-1}), little-endian. The comparison with native floats needs a little-endian machine.
  ASSERT_EQ(std::endian::native, std::endian::little);
  const io::Tensor* weight = container.find("5.weight");
  for (std::size_t k = 0; k < 5; ++k) {
    for (std::size_t j = 0; j < 4; ++j) {
      T value;
      std::memcpy(&value, bytes.data() + weight->begin + (k * 4 + j) * sizeof(T), sizeof(T));
      EXPECT_EQ(value, network.layer(2).weight(k, j));
    }
  }
  const io::Metadata& metadata = container.metadata();
  EXPECT_EQ(metadata.at("format"), "backpass");
  EXPECT_EQ(metadata.at("format_version"), "1");
  const test::Json description = test::Json::parse(metadata.at("network"));
  EXPECT_EQ(description.at("sizes"), (test::Json{2, 3, 4, 5, 6}));
  EXPECT_EQ(description.at("dtype"), sizeof(T) == 4 ? "float32" : "float64");
}

TYPED_TEST(Write, TrainingFromTheFileHasTheBitsOfUninterruptedTraining) {
  using T = TypeParam;
  test::Random random(7);
  for (int round = 0; round < 3; ++round) {
    for (Optimizer& optimizer : test::random_optimizers(random)) {
      Network<T> network = random_network<T>(random, {5, 7, 4, 3});
      test::train(network, optimizer, 3, 11);
      const auto bytes = to_bytes(network, {.optimizer = optimizer, .epochs = 2, .steps = 3});
      SavedTraining<T> loaded = this->read(bytes);
      ASSERT_TRUE(loaded.optimizer);
      EXPECT_TRUE(same(*loaded.optimizer, optimizer));
      EXPECT_TRUE(same(OptimizerRef(*loaded.optimizer).state(), OptimizerRef(optimizer).state()));
      EXPECT_EQ(loaded.epochs, 2U);
      EXPECT_EQ(loaded.steps, 3);
      EXPECT_EQ(to_bytes(loaded.network, {.optimizer = *loaded.optimizer, .epochs = 2, .steps = 3}), bytes);

      test::train(network, optimizer, 5, 12);
      test::train(loaded.network, *loaded.optimizer, 5, 12);
      ASSERT_EQ(difference(network, loaded.network), "") << OptimizerRef(optimizer).name();
      EXPECT_TRUE(same(OptimizerRef(*loaded.optimizer).state(), OptimizerRef(optimizer).state()));
    }
  }
}

TYPED_TEST(Write, OptimizersBeforeTheirFirstStepAndFrozenLayersAreLoadedUnchanged) {
  using T = TypeParam;
  test::Random random(8);
  Network<T> network = random_network<T>(random, {3, 4, 2});
  network.layer(0).set_trainable(false);
  network.layer(1).set_trainable(true);
  Adam adam{.lr = 0.1};
  auto loaded = this->read(to_bytes(network, {.optimizer = adam}));
  EXPECT_TRUE(same(std::get<Adam>(*loaded.optimizer), adam));
  EXPECT_TRUE(std::get<Adam>(*loaded.optimizer).state.empty());

  test::train(network, adam, 2, 1);
  ASSERT_EQ(adam.state.groups.at(0).step, 0);
  ASSERT_EQ(adam.state.groups.at(1).step, 2);
  loaded = this->read(to_bytes(network, {.optimizer = adam}));
  EXPECT_TRUE(same(std::get<Adam>(*loaded.optimizer).state, adam.state));

  // A state with fewer slots than the settings need is valid (amsgrad was switched on later). The next step makes the
  // slot.
  adam.amsgrad = true;
  loaded = this->read(to_bytes(network, {.optimizer = adam}));
  test::train(network, adam, 1, 2);
  test::train(loaded.network, *loaded.optimizer, 1, 2);
  EXPECT_EQ(difference(network, loaded.network), "");
}

TYPED_TEST(Write, SchedulesAreLoadedUnchanged) {
  using T = TypeParam;
  test::Random random(9);
  const Network<T> network = random_network<T>(random);
  for (const Schedule& schedule : test::random_schedules(random)) {
    const auto loaded = this->read(to_bytes(network, {.schedule = &schedule}));
    ASSERT_TRUE(loaded.schedule);
    EXPECT_TRUE(same(*loaded.schedule, schedule));
  }
}

TYPED_TEST(Write, MetadataAreTheCallersOwn) {
  using T = TypeParam;
  const Network<T> network({.sizes = {1, 1}, .seed = 1});
  const std::map<std::string, std::string> metadata = {
      {"", "empty key"},         {"network", "no collision"},      {"format_version", "99"},
      {"user.x", "prefix kept"}, {"zero", std::string("a\0b", 3)}, {"text", "\xe6\x97\xa5\xe6\x9c\xac \"quoted\"\n"}};
  EXPECT_EQ(this->read(to_bytes(network, {.metadata = metadata})).metadata, metadata);
  EXPECT_THROW(static_cast<void>(to_bytes(network, {.metadata = {{"k", "\xff"}}})), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(to_bytes(network, {.metadata = {{"\xff", "v"}}})), std::invalid_argument);
}

class Save : public testing::Test {
 protected:
  static std::string get(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  test::TemporaryDirectory directory_;
};

TEST_F(Save, MembersAndFunctionsAgree) {
  test::Random random(12);
  const Network<float> network = random_network<float>(random);
  network.save(directory_ / "a");
  save(directory_ / "b", network);
  EXPECT_EQ(get(directory_ / "a"), get(directory_ / "b"));
  const auto bytes = to_bytes(network);
  EXPECT_EQ(get(directory_ / "a"), std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  EXPECT_EQ(difference(network, Network<float>::load(directory_ / "a")), "");
  EXPECT_EQ(difference(network, load_checkpoint<float>(directory_ / "b").network), "");
  EXPECT_EQ(difference(network, std::get<0>(load_any_checkpoint(directory_ / "b")).network), "");

  network.save(directory_ / "a", {.epochs = 3, .metadata = {{"k", "v"}}});
  EXPECT_EQ(load_checkpoint<float>(directory_ / "a").epochs, 3U);
  EXPECT_EQ(load_checkpoint<float>(directory_ / "a").metadata.at("k"), "v");
}

TEST_F(Save, ARefusedSaveDoesNotChangeTheFile) {
  test::Random random(13);
  const Network<float> network({.sizes = {2, 3}, .seed = 1});
  const auto path = directory_ / "model";
  network.save(path);
  const std::string before = get(path);
  const auto same_function = [](double z) { return z; };
  const Network<float> custom({.sizes = {2, 3}, .output = Activation::custom(same_function, same_function), .seed = 1});
  EXPECT_THROW(custom.save(path), std::invalid_argument);

  Adam of_other_type;
  Network<double> wide({.sizes = {2, 3}, .seed = 1});
  test::train(wide, of_other_type, 1, 1);
  EXPECT_THROW(network.save(path, {.optimizer = of_other_type}), ShapeError);
  Adam of_other_size;
  Network<float> larger({.sizes = {2, 4}, .seed = 1});
  test::train(larger, of_other_size, 1, 1);
  EXPECT_THROW(network.save(path, {.optimizer = of_other_size}), ShapeError);
  SGD of_more_layers;
  Network<float> deeper({.sizes = {2, 4, 3}, .seed = 1});
  test::train(deeper, of_more_layers, 1, 1);
  EXPECT_THROW(network.save(path, {.optimizer = of_more_layers}), ShapeError);
  Adam out_of_range{.beta1 = 2.0};
  EXPECT_THROW(network.save(path, {.optimizer = out_of_range}), std::invalid_argument);
  const Schedule schedule = schedules::Exponential{.gamma = std::numeric_limits<double>::quiet_NaN()};
  EXPECT_THROW(network.save(path, {.schedule = &schedule}), std::invalid_argument);
  EXPECT_THROW(network.save(path, {.steps = -1}), std::invalid_argument);
  EXPECT_THROW(network.save(path, {.metadata = {{"k", "\xc3"}}}), std::invalid_argument);
  EXPECT_THROW(network.save(path / "below"), FileError);
  EXPECT_EQ(get(path), before);
  EXPECT_EQ(directory_.names(), std::vector<std::string>{"model"});
}

}  // namespace
}  // namespace backpass
