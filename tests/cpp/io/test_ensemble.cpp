// Files of ensembles: a round trip, clear errors, and the bounds of memory that hold for every file.
#include <algorithm>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <backpass/ensemble.hpp>
#include <backpass/error.hpp>
#include <backpass/serialize.hpp>

#include "io/allocations.hpp"
#include "io/containers.hpp"
#include "io/random_networks.hpp"
#include "io/temporary_directory.hpp"

namespace backpass {
namespace {

using Metadata = std::map<std::string, std::string>;

template <class T>
Ensemble<T> random_ensemble(test::Random& random, std::size_t members) {
  std::vector<std::shared_ptr<Network<T>>> networks;
  for (std::size_t k = 0; k < members; ++k) {
    std::vector<std::size_t> sizes(2 + random() % 4, 1 + random() % 9);
    sizes.front() = 3;
    sizes.back() = 2;
    networks.push_back(std::make_shared<Network<T>>(test::random_network<T>(random, std::move(sizes))));
  }
  return Ensemble<T>::of(std::move(networks));
}

template <class T>
std::string ensemble_difference(const Ensemble<T>& a, const Ensemble<T>& b) {
  if (a.size() != b.size()) {
    return "number of members";
  }
  for (std::size_t k = 0; k < a.size(); ++k) {
    if (const std::string text = test::difference(a[k], b[k]); !text.empty()) {
      return "member " + std::to_string(k) + ": " + text;
    }
  }
  return "";
}

TEST(EnsembleFiles, OfAMovedFromEnsembleAreRefused) {
  Ensemble<float> ensemble({.sizes = {3, 2}, .seed = 1}, 2);
  const Ensemble<float> other(std::move(ensemble));
  EXPECT_THROW(static_cast<void>(to_bytes(ensemble)), StateError);  // NOLINT(bugprone-use-after-move)
  EXPECT_FALSE(to_bytes(other).empty());
}

/// Loads the bytes or expects FormatError; checks the memory. \returns whether the bytes were loaded
bool loads(const test::Bytes& bytes) {
  const test::AllocationPeak peak;
  constexpr std::size_t kPerMember = 2'048;
  try {
    const AnySavedEnsemble loaded = ensemble_from_bytes(bytes);
    const std::size_t members = std::visit([](const auto& saved) { return saved.ensemble.size(); }, loaded);
    EXPECT_LE(peak.bytes(), 1'000'000 + 4 * bytes.size() + kPerMember * members);
    std::visit([](const auto& saved) { (void)to_bytes(saved.ensemble, saved.metadata); }, loaded);
    return true;
  } catch (const FormatError& error) {
    EXPECT_GT(std::string(error.what()).size(), 10U);
    EXPECT_LT(std::string(error.what()).size(), 600U);
    EXPECT_LE(peak.bytes(), 1'000'000 + 4 * bytes.size());
    return false;
  }
}

template <class T>
class EnsembleFile : public ::testing::Test {};
using EnsembleNumbers = ::testing::Types<float, double>;
TYPED_TEST_SUITE(EnsembleFile, EnsembleNumbers);

TYPED_TEST(EnsembleFile, ComesBackBitForBit) {
  using T = TypeParam;
  test::Random random(5);
  const test::TemporaryDirectory directory;
  for (std::size_t members = 1; members < 12; ++members) {
    const Ensemble<T> ensemble = random_ensemble<T>(random, members);
    const Metadata metadata = {{"by", "me"}, {"members", "mine"}};
    const auto path = directory / "ensemble.safetensors";
    ensemble.save(path, metadata);
    EXPECT_EQ(ensemble_difference(ensemble, Ensemble<T>::load(path)), "");
    EXPECT_EQ(load_ensemble<T>(path).metadata, metadata);
    const AnySaved any = load_any(path);
    EXPECT_EQ(ensemble_difference(ensemble, std::get<SavedEnsemble<T>>(any).ensemble), "");
    const test::Bytes bytes = to_bytes(ensemble, metadata);
    const AnySavedEnsemble again = ensemble_from_bytes(bytes);
    EXPECT_EQ(to_bytes(std::get<SavedEnsemble<T>>(again).ensemble, metadata), bytes);
  }
}

TEST(EnsembleFiles, OfTheOtherKindAreNamed) {
  const test::TemporaryDirectory directory;
  const auto one = directory / "one.safetensors";
  const auto many = directory / "many.safetensors";
  Network<float>({.sizes = {3, 2}, .seed = 1}).save(one);
  Ensemble<float>({.sizes = {3, 2}, .seed = 1}, 4).save(many);
  const auto message_of = [](auto load) {
    try {
      load();
    } catch (const FormatError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(
      message_of([&] { (void)Network<float>::load(many); }),
      many.string() + ": the file contains an ensemble of 4 networks and not one network: load it as an Ensemble");
  EXPECT_EQ(message_of([&] { (void)Ensemble<float>::load(one); }),
            one.string() + ": the file contains one network and not an ensemble: load it as a Network");
  EXPECT_EQ(message_of([&] { (void)Ensemble<double>::load(many); }),
            many.string() + ": the file contains a float32 network, but float64 was requested");
  EXPECT_TRUE(std::holds_alternative<SavedTraining<float>>(load_any(one)));
  EXPECT_TRUE(std::holds_alternative<SavedEnsemble<float>>(load_any(many)));
  EXPECT_THROW((void)load_any(directory / "missing"), FileError);
}

TEST(EnsembleFiles, EveryTruncationIsRefused) {
  test::Random random(6);
  const test::Bytes file = to_bytes(random_ensemble<float>(random, 2));
  ASSERT_TRUE(loads(file));
  for (std::size_t size = 0; size < file.size(); ++size) {
    ASSERT_FALSE(loads(test::Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)))) << size;
  }
}

TEST(EnsembleFiles, EveryChangedByteIsRefusedOrSound) {
  test::Bytes file = to_bytes(Ensemble<float>({.sizes = {2, 1}, .seed = 1}, 2), {{"k", "v"}});
  std::size_t loaded = 0;
  for (std::byte& byte : file) {
    const std::byte before = byte;
    for (const int value : {0, 34, 44, 48, 49, 57, 91, 92, 125, 255}) {
      byte = std::byte(value);
      loaded += loads(file) ? 1 : 0;
    }
    byte = before;
  }
  EXPECT_GT(loaded, 0U);
}

TEST(EnsembleFiles, MemoryIsBoundedForManyMembersOfOneWeight) {
  for (const std::size_t members : {1U, 10U, 100U, 1000U, 8000U}) {
    EXPECT_TRUE(loads(to_bytes(Ensemble<float>({.sizes = {1, 1}, .bias = false, .seed = 1}, members)))) << members;
  }
}

TEST(EnsembleFiles, AHugeNumberOfMembersIsRefusedWithoutAllocation) {
  const auto bytes_with = [](const std::string& members) {
    io::Metadata metadata = {{"format", "backpass"}, {"format_version", "1"}, {"members", members}};
    return test::make_container(metadata, {}, {});
  };
  for (const char* members : {"0", "1", "18446744073709551615", "-1", "x", ""}) {
    EXPECT_FALSE(loads(bytes_with(members))) << members;
  }
}

TEST(EnsembleFiles, WhatCannotBeSavedIsNamed) {
  const CustomActivation custom{[](auto, auto) {}, [](auto, auto) {}, [](auto, auto) {}, [](auto, auto) {}};
  const auto ensemble = Ensemble<float>::of(
      {std::make_shared<Network<float>>(NetworkOptions{.sizes = {3, 2}}),
       std::make_shared<Network<float>>(NetworkOptions{.sizes = {3, 2}, .output = Activation::custom(custom)})});
  try {
    (void)to_bytes(ensemble);
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_EQ(std::string(error.what()).rfind("member 1: ", 0), 0U) << error.what();
  }
  const test::TemporaryDirectory directory;
  EXPECT_THROW(ensemble.save(directory / "file"), std::invalid_argument);
  EXPECT_FALSE(std::filesystem::exists(directory / "file"));
}

}  // namespace
}  // namespace backpass
