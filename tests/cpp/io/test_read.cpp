#include <cerrno>
#include <cmath>
#include <ctime>
#include <fstream>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <backpass/error.hpp>
#include <backpass/serialize.hpp>

#include "io/allocations.hpp"
#include "io/containers.hpp"
#include "io/json_tree.hpp"
#include "io/random_networks.hpp"
#include "io/temporary_directory.hpp"

namespace backpass {
namespace {

using test::Bytes;
using test::Json;

/// Limit of the memory held while a file is read: kFixedMemory plus kMemoryPerByte times the file's size.
constexpr std::size_t kFixedMemory = 1'000'000;
constexpr std::size_t kMemoryPerByte = 4;

/// A small file that contains every kind of entry.
template <class T>
Bytes full_file() {
  test::Random random(20);
  Network<T> network({.sizes = {2, 3, 1},
                      .activation = std::vector{Activation::elu(0.5), Activation::sigmoid()},
                      .dropout = 0.25,
                      .seed = 1});
  network.layer(1).set_lr_scale(0.5);
  Adam adam{.lr = 0.01};
  test::train(network, adam, 2, 1);
  const Schedule schedule = schedules::LinearWarmup{
      .steps = 5, .start_factor = 0.5, .then = std::make_shared<Schedule>(schedules::ReduceOnPlateau{})};
  return to_bytes(network,
                  {.optimizer = adam, .schedule = &schedule, .epochs = 1, .steps = 2, .metadata = {{"k", "v"}}});
}

Bytes plain_file() { return to_bytes(Network<float>({.sizes = {2, 1}, .seed = 1})); }

/// Uses a loaded network in every way; no call may throw or crash.
template <class T>
void use(SavedTraining<T>& loaded) {
  Network<T>& network = loaded.network;
  const std::vector<T> x(network.sizes().front(), T(0.5));
  std::vector<T> y(network.sizes().back());
  network.predict(std::span<const T>(x), std::span<T>(y));
  if (loaded.schedule) {
    static_cast<void>(scheduled_lr(*loaded.schedule, 0.1, 3, 7));
    observe(*loaded.schedule, 0.1, 0.5);
  }
  SaveOptions options{.schedule = loaded.schedule ? &*loaded.schedule : nullptr,
                      .epochs = loaded.epochs,
                      .steps = loaded.steps,
                      .metadata = loaded.metadata};
  if (loaded.optimizer) {
    options.optimizer = *loaded.optimizer;
    test::train(network, *loaded.optimizer, 1, 1);
  }
  static_cast<void>(from_bytes(to_bytes(network, options)));
}

/// Loads the bytes or expects FormatError. Any other exception, or more memory than allowed, is a failure.
/// \returns whether the bytes were loaded
bool try_load(const Bytes& bytes) {
  const test::AllocationPeak peak;
  bool is_loaded = false;
  try {
    AnySavedTraining loaded = from_bytes(bytes);
    EXPECT_LE(peak.bytes(), kFixedMemory + kMemoryPerByte * bytes.size());
    std::visit([](auto& checkpoint) { use(checkpoint); }, loaded);
    is_loaded = true;
  } catch (const FormatError& error) {
    EXPECT_GT(std::string(error.what()).size(), 10U);
    EXPECT_LT(std::string(error.what()).size(), 600U);
    EXPECT_LE(peak.bytes(), kFixedMemory + kMemoryPerByte * bytes.size());
  }
  return is_loaded;
}

std::size_t header_end(const Bytes& bytes) {
  std::size_t length = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    length |= std::to_integer<std::size_t>(bytes[i]) << (8 * i);
  }
  return 8 + length;
}

TEST(Read, EveryTruncationIsRefused) {
  for (const Bytes& file : {plain_file(), full_file<float>(), full_file<double>()}) {
    ASSERT_TRUE(try_load(file));
    for (std::size_t size = 0; size < file.size(); ++size) {
      ASSERT_FALSE(try_load(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)))) << size;
    }
    Bytes longer = file;
    longer.push_back(std::byte{0});
    EXPECT_FALSE(try_load(longer));
  }
}

/// Sets every byte of the file in turn to each of the values that change() gives for it.
template <class Change>
void damage_every_byte(const Bytes& file, Change change) {
  Bytes damaged = file;
  std::size_t num_loaded = 0;
  std::size_t num_refused = 0;
  for (std::size_t i = 0; i < file.size(); ++i) {
    for (std::byte value : change(i, file[i])) {
      damaged[i] = value;
      ++(try_load(damaged) ? num_loaded : num_refused);
      ASSERT_FALSE(testing::Test::HasFailure()) << "byte " << i << " set to " << std::to_integer<int>(value);
    }
    damaged[i] = file[i];
  }
  // Both must occur: a changed weight gives another network, a changed bracket gives no network.
  EXPECT_GT(num_loaded, 0U);
  EXPECT_GT(num_refused, 0U);
}

std::vector<std::byte> all_but(std::byte old) {
  std::vector<std::byte> values;
  for (int value = 0; value < 256; ++value) {
    if (static_cast<std::byte>(value) != old) {
      values.push_back(static_cast<std::byte>(value));
    }
  }
  return values;
}

/// All single-bit flips, and the characters that have a meaning in a header.
std::vector<std::byte> telling_changes(std::byte old) {
  std::vector<std::byte> values;
  for (unsigned bit = 0; bit < 8; ++bit) {
    values.push_back(old ^ static_cast<std::byte>(1U << bit));
  }
  for (char c : std::string("\"\\{}[],: -.019e\0\n", 17)) {
    if (static_cast<std::byte>(c) != old) {
      values.push_back(static_cast<std::byte>(c));
    }
  }
  return values;
}

TEST(Read, EveryByteChangedToEveryValueIsRefusedOrSound) {
  damage_every_byte(plain_file(), [](std::size_t /*i*/, std::byte old) { return all_but(old); });
}

TEST(Read, EveryByteChangedInAFileWithEverythingIsRefusedOrSound) {
  damage_every_byte(full_file<float>(), [](std::size_t /*i*/, std::byte old) { return telling_changes(old); });
  damage_every_byte(full_file<double>(), [](std::size_t i, std::byte old) {
    return std::vector{old ^ static_cast<std::byte>(1U << (i % 7U)), std::byte{'9'}, std::byte{0}};
  });
}

TEST(Read, RandomBytesInPlaceOfRunsAreRefusedOrSound) {
  test::Random random(21);
  const Bytes file = full_file<float>();
  for (int i = 0; i < 5000; ++i) {
    Bytes damaged = file;
    const std::size_t begin = random() % header_end(file);
    const std::size_t length = random() % 12;
    const std::size_t from = random() % header_end(file);  // bytes of the same file look plausible
    for (std::size_t j = 0; j < length && begin + j < damaged.size() && from + j < file.size(); ++j) {
      damaged[begin + j] = file[from + j];
    }
    try_load(damaged);
    ASSERT_FALSE(HasFailure()) << i;
  }
}

// ---- files that a hostile program might write: complete containers with one wrong entry

struct Forged {
  io::Metadata metadata;
  std::vector<io::TensorEntry> entries;
  std::vector<Bytes> data;

  static Forged of(const Bytes& file) {
    const io::Container container = test::parse_container(file);
    Forged result{container.metadata(), {}, {}};
    for (const io::Tensor& tensor : container.tensors()) {
      result.entries.push_back({tensor.name, tensor.type, tensor.shape});
      const auto bytes = test::bytes_of(tensor, file);
      result.data.emplace_back(bytes.begin(), bytes.end());
    }
    return result;
  }
  [[nodiscard]] Bytes bytes() const { return test::make_container(metadata, entries, data); }
  void edit(const char* key, const std::function<void(Json&)>& change) {
    Json value = Json::parse(metadata.at(key));
    change(value);
    metadata[key] = value.dump();
  }
  io::TensorEntry& entry(const std::string& name) {
    return *std::find_if(entries.begin(), entries.end(), [&](const auto& e) { return e.name == name; });
  }
};

/// The error message for full_file() with one change; "" if the file loads.
std::string complaint(const std::function<void(Forged&)>& change) {
  Forged forged = Forged::of(full_file<float>());
  change(forged);
  const Bytes bytes = forged.bytes();
  const test::AllocationPeak peak;
  std::string result;
  try {
    static_cast<void>(from_bytes(bytes));
  } catch (const FormatError& error) {
    result = error.what();
  }
  EXPECT_LE(peak.bytes(), kFixedMemory + kMemoryPerByte * bytes.size());
  return result;
}
std::string network_complaint(const std::function<void(Json&)>& change) {
  return complaint([&](Forged& file) { file.edit("network", change); });
}
std::string optimizer_complaint(const std::function<void(Json&)>& change) {
  return complaint([&](Forged& file) { file.edit("optimizer", change); });
}

TEST(Read, NamesUnknownFormatsAndNewerVersions) {
  EXPECT_EQ(complaint([](Forged&) {}), "");
  EXPECT_NE(complaint([](Forged& f) { f.metadata.clear(); }).find("backpass did not write it"), std::string::npos);
  EXPECT_NE(complaint([](Forged& f) { f.metadata.erase("format"); }).find("did not write"), std::string::npos);
  EXPECT_NE(complaint([](Forged& f) { f.metadata["format"] = "pt"; }).find("did not write"), std::string::npos);
  EXPECT_NE(complaint([](Forged& f) { f.metadata.erase("format_version"); }).find("did not write"), std::string::npos);
  const std::string newer = complaint([](Forged& f) {
    f.metadata["format_version"] = "2";
    f.metadata["backpass_version"] = "7.8.9";
    f.metadata["network"] = "something new";
  });
  EXPECT_NE(newer.find("format version 2"), std::string::npos) << newer;
  EXPECT_NE(newer.find("7.8.9"), std::string::npos) << newer;
  const std::string unknown = complaint([](Forged& f) {
    f.metadata["format_version"] = "2";
    f.metadata.erase("backpass_version");
  });
  EXPECT_NE(unknown.find("format version 2, written by backpass '?'"), std::string::npos) << unknown;
  for (const char* version : {"", "0", "-1", "1.0", " 1", "1 ", "one", "99999999999999999999"}) {
    EXPECT_NE(complaint([&](Forged& f) { f.metadata["format_version"] = version; }), "") << version;
  }
  EXPECT_EQ(complaint([](Forged& f) { f.metadata["someone else's"] = "note"; }), "");
  EXPECT_NE(complaint([](Forged& f) { f.metadata.erase("network"); }), "");
}

TEST(Read, CountsOfEpochsAndStepsAreNumbers) {
  for (const char* key : {"epochs", "steps"}) {
    for (const char* text : {"", "-1", "1e3", "0x1", " 1", "1 ", "18446744073709551616", "x"}) {
      EXPECT_NE(complaint([&](Forged& f) { f.metadata[key] = text; }), "") << key << " " << text;
    }
  }
  EXPECT_EQ(complaint([](Forged& f) { f.metadata["steps"] = "9223372036854775807"; }), "");
  EXPECT_NE(complaint([](Forged& f) { f.metadata["steps"] = "9223372036854775808"; }), "");
}

TEST(Read, AHugeNetworkInASmallFileIsRefusedWithoutAllocation) {
  for (const std::uint64_t huge : {std::uint64_t{1'000'000'000'000}, std::uint64_t{1} << 32U, std::uint64_t{1} << 62U,
                                   std::numeric_limits<std::uint64_t>::max()}) {
    EXPECT_NE(network_complaint([&](Json& n) { n["sizes"] = {huge, huge, huge}; }), "");
    EXPECT_NE(network_complaint([&](Json& n) { n["sizes"] = {2, huge, 1}; }), "");
    EXPECT_NE(network_complaint([&](Json& n) { n["sizes"] = {2, 3, huge}; }), "");
  }
  const std::uint64_t trillion = 1'000'000'000'000;
  const std::string message = network_complaint([&](Json& n) { n["sizes"] = {trillion, trillion, 1}; });
  EXPECT_NE(message.find("too large to address"), std::string::npos) << message;
  // The whole file has about 300 bytes. The peak must be far below the size that it claims.
  const std::string network =
      R"({\"dtype\":\"float32\",\"dropout_state\":{\"seed\":1,\"pass\":0},\"sizes\":[1000000000000,1000000000000],\"layers\":[{\"activation\":\"relu\",\"bias\":true,\"dropout\":0,\"trainable\":true,\"lr_scale\":1,\"init\":\"auto\",\"init_parameter\":0}]})";
  const std::string header =
      R"({"__metadata__":{"format":"backpass","format_version":"1","network":")" + network + "\"}}";
  Bytes file(8 + header.size());
  file[0] = static_cast<std::byte>(header.size() & 255U);
  file[1] = static_cast<std::byte>(header.size() >> 8U);
  std::memcpy(file.data() + 8, header.data(), header.size());
  const test::AllocationPeak peak;
  try {
    static_cast<void>(from_bytes(file));
    ADD_FAILURE();
  } catch (const FormatError& error) {
    EXPECT_NE(std::string(error.what()).find("more layers"), std::string::npos) << error.what();
  }
  EXPECT_LT(peak.bytes(), 100'000U);
}

TEST(Read, DescriptionsOutOfBoundsAreRefused) {
  const auto layer = [](const char* key, const Json& value) {
    return network_complaint([&](Json& n) { n["layers"][0][key] = value; });
  };
  EXPECT_NE(network_complaint([](Json& n) { n["sizes"] = Json::array(); }), "");
  EXPECT_NE(network_complaint([](Json& n) { n["sizes"] = {2, 3}; }), "");
  EXPECT_NE(network_complaint([](Json& n) { n["sizes"] = {2, 0, 1}; }).find("size 1 is 0"), std::string::npos);
  EXPECT_NE(network_complaint([](Json& n) { n["sizes"] = {2, -3, 1}; }), "");
  EXPECT_NE(network_complaint([](Json& n) { n["sizes"] = {2, 3.0, 1}; }), "");
  EXPECT_NE(network_complaint([](Json& n) { n["sizes"] = {2, "3", 1}; }), "");
  EXPECT_NE(network_complaint([](Json& n) { n["sizes"] = 3; }), "");
  EXPECT_NE(network_complaint([](Json& n) { n["layers"] = Json::array(); }), "");
  EXPECT_NE(network_complaint([](Json& n) { n["layers"] = Json::object(); }), "");
  EXPECT_NE(network_complaint([](Json& n) { n["layers"][0] = 1; }), "");
  EXPECT_NE(network_complaint([](Json& n) { n["layers"].push_back(n["layers"][0]); }), "");
  EXPECT_NE(network_complaint([](Json& n) { n["layers"] = n["sizes"] = Json::array(); }), "");
  EXPECT_NE(network_complaint([](Json& n) { n["dtype"] = "float16"; }), "");
  EXPECT_NE(network_complaint([](Json& n) { n["dtype"] = 32; }), "");
  EXPECT_NE(network_complaint([](Json& n) { n["dropout_state"]["seed"] = -1; }), "");
  EXPECT_NE(network_complaint([](Json& n) { n["dropout_state"] = nullptr; }), "");
  EXPECT_NE(network_complaint([](Json& n) { n["surplus"] = 1; }), "");
  EXPECT_NE(network_complaint([](Json& n) { n.erase("sizes"); }), "");
  EXPECT_NE(network_complaint([](Json& n) { n = Json::array(); }), "");
  EXPECT_NE(network_complaint([](Json& n) { n["layers"][1]["dropout"] = 0.5; }), "") << "dropout of the output layer";

  EXPECT_EQ(layer("lr_scale", 0), "");
  EXPECT_NE(layer("lr_scale", -0.5), "");
  EXPECT_NE(layer("lr_scale", "inf"), "");
  EXPECT_NE(layer("lr_scale", "nan"), "");
  EXPECT_EQ(layer("bias_lr_scale", 0.1), "");  // a file has it only if it is not 1
  EXPECT_NE(layer("bias_lr_scale", -0.5), "");
  EXPECT_NE(layer("bias_lr_scale", "nan"), "");
  EXPECT_NE(layer("bias_lr_scale", true), "");
  EXPECT_EQ(layer("dropout", 0.999), "");
  EXPECT_NE(layer("dropout", 1), "");
  EXPECT_NE(layer("dropout", -0.1), "");
  EXPECT_NE(layer("dropout", "nan"), "");
  EXPECT_NE(layer("trainable", 1), "");
  EXPECT_NE(layer("bias", "yes"), "");
  EXPECT_NE(layer("activation", "custom"), "");
  EXPECT_NE(layer("activation", "relu7"), "");
  EXPECT_NE(layer("activation", std::string(10'000, 'x')), "");
  EXPECT_NE(layer("activation", 3), "");
  EXPECT_NE(layer("activation", "relu"), "") << "relu has no parameter";
  EXPECT_NE(layer("activation_parameter", "inf"), "");
  EXPECT_NE(layer("activation_parameter", nullptr), "");
  EXPECT_NE(layer("init", "worst"), "");
  EXPECT_NE(layer("init_parameter", "nan"), "");
  EXPECT_NE(network_complaint([](Json& n) { n["layers"][0].erase("activation_parameter"); }), "");
  EXPECT_NE(network_complaint([](Json& n) {
              n["layers"][0]["activation"] = "celu";
              n["layers"][0]["activation_parameter"] = 0;
            }),
            "");
}

TEST(Read, TensorsAreThoseOfTheNetwork) {
  const std::string shape = complaint([](Forged& f) { f.entry("0.weight").shape = {2, 3}; });
  EXPECT_NE(shape.find("(2, 3)"), std::string::npos) << shape;
  EXPECT_NE(shape.find("(3, 2)"), std::string::npos) << shape;
  EXPECT_NE(complaint([](Forged& f) { f.entry("0.weight").shape = {6}; }), "");
  EXPECT_NE(complaint([](Forged& f) { f.entry("0.weight").shape = {3, 2, 1}; }), "");
  EXPECT_NE(complaint([](Forged& f) { f.entry("0.bias").shape = {4}; }), "");
  EXPECT_NE(complaint([](Forged& f) { f.entry("0.bias").name = "0.bais"; }), "");
  EXPECT_NE(complaint([](Forged& f) { f.entry("0.bias").type = {"F64", 8}; }), "");
  EXPECT_NE(complaint([](Forged& f) { f.entry("0.bias").type = {"I32", 4}; }), "");
  EXPECT_NE(complaint([](Forged& f) { f.entries.push_back({"more", {"F32", 4}, {1}}); }), "");
  EXPECT_NE(complaint([](Forged& f) { f.entries.push_back({"more", {"F32", 4}, {0}}); }), "");
  EXPECT_NE(network_complaint([](Json& n) { n["layers"][1]["bias"] = false; }), "");
  EXPECT_NE(network_complaint([](Json& n) { n["dtype"] = "float64"; }), "");
  EXPECT_NE(network_complaint([](Json& n) { n["layers"][0]["dropout"] = 0; }), "")
      << "the next Linear must then be module 2";
  EXPECT_NE(complaint([](Forged& f) { f.metadata.erase("optimizer"); }), "") << "its tensors then belong to no entry";
  // Tensors may be in any order.
  EXPECT_EQ(complaint([](Forged& f) {
              std::reverse(f.entries.begin(), f.entries.end());
              std::reverse(f.data.begin(), f.data.end());
            }),
            "");
}

TEST(Read, TrainingStatesThatDoNotFitAreRefused) {
  const auto state = [](const char* key, const Json& value) {
    return optimizer_complaint([&](Json& o) { o["state"][key] = value; });
  };
  EXPECT_EQ(state("step", {5, 6}), "");
  EXPECT_NE(state("step", {5}), "");
  EXPECT_NE(state("step", {5, -6}), "");
  EXPECT_NE(state("step", {5, 0.5}), "");
  EXPECT_NE(state("step", {5, std::numeric_limits<std::int64_t>::max()}), "");
  EXPECT_NE(state("step", {5, std::numeric_limits<std::uint64_t>::max()}), "");
  EXPECT_NE(state("mu_product", {1, nullptr}), "");
  EXPECT_NE(state("slots", 1), "");
  EXPECT_NE(state("slots", 3), "");
  EXPECT_NE(state("slots", std::numeric_limits<std::uint64_t>::max()), "");
  EXPECT_NE(state("slots", -1), "");
  EXPECT_NE(state("surplus", 1), "");
  EXPECT_NE(optimizer_complaint([](Json& o) { o["state"]["step"] = o["state"]["mu_product"] = {1, 1, 1}; }), "");
  EXPECT_NE(optimizer_complaint([](Json& o) { o["state"]["step"] = o["state"]["mu_product"] = Json::array(); }), "")
      << "an empty state has slots";
  EXPECT_NE(optimizer_complaint([](Json& o) { o.erase("state"); }), "");
  EXPECT_NE(optimizer_complaint([](Json& o) { o["beta1"] = 1; }), "");
  EXPECT_NE(optimizer_complaint([](Json& o) { o["lr"] = "inf"; }), "");
  EXPECT_NE(optimizer_complaint([](Json& o) { o["lr"] = -1; }), "");
  EXPECT_NE(optimizer_complaint([](Json& o) { o["name"] = "SGD"; }), "");
  EXPECT_NE(complaint([](Forged& f) { f.entry("optimizer.0").shape = {14}; }), "");
  EXPECT_NE(complaint([](Forged& f) { f.entry("optimizer.0").name = "optimizer.2"; }), "");
  EXPECT_NE(complaint([](Forged& f) { f.edit("schedule", [](Json& s) { s["steps"] = -1; }); }), "");
  EXPECT_NE(complaint([](Forged& f) { f.edit("schedule", [](Json& s) { s["then"]["factor"] = 2; }); }), "");
  EXPECT_NE(complaint([](Forged& f) { f.metadata["schedule"] = ""; }), "");
}

TEST(Read, TextsThatWouldGrowIntoLargeTreesAreRefusedFirst) {
  const std::string many(3'000'000, '[');
  std::string objects = "[";
  std::string numbers = "[1";
  for (int i = 0; i < 1'000'000; ++i) {
    objects += "{},";
    numbers += ",1";
  }
  for (const char* key : {"network", "optimizer", "schedule"}) {
    for (const std::string& text : {many, objects + "{}]", numbers + "]", "\"" + many + "\""}) {
      EXPECT_NE(complaint([&](Forged& f) { f.metadata[key] = text; }), "");
    }
    EXPECT_NE(network_complaint([&](Json& n) { n["sizes"] = Json::parse(numbers + "]"); }), "");
  }
}

/// CPU seconds of from_bytes, for accepted and refused bytes; the best of three.
double seconds_of_loading(const Bytes& bytes) {
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 3; ++i) {
    const std::clock_t start = std::clock();
    try {
      static_cast<void>(from_bytes(bytes));
    } catch (const FormatError&) {  // a refusal is measured too
    }
    best = std::min(best, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  }
  return best;
}

/// A file of `count` tensors of one byte, and a text of 19 * count times `item`. An earlier limit allowed so many.
Bytes many_items(std::size_t count, const std::string& begin, const std::string& item, const std::string& end) {
  std::string text = begin + item;
  for (std::size_t i = 1; i < 19 * count; ++i) {
    text += "," + item;
  }
  Forged forged;
  forged.metadata = {{"format", "backpass"}, {"format_version", "1"}, {"network", text + end}};
  for (std::size_t i = 0; i < count; ++i) {
    forged.entries.push_back({std::to_string(i), {"U8", 1}, {}});
  }
  return forged.bytes();
}

Bytes many_layers(std::size_t count) {
  NAdam nadam;
  Network<float> deep({.sizes = std::vector<std::size_t>(count + 1, 1), .bias = false, .seed = 1});
  test::train(deep, nadam, 1, 1);
  return to_bytes(deep, {.optimizer = nadam});
}

TEST(Read, TimeIsLinearInTheFile) {
  constexpr std::size_t kSmall = 1000;
  constexpr std::size_t kTimes = 8;
  const struct {
    const char* what;
    std::function<Bytes(std::size_t)> make;
  } files[] = {{"objects", [](std::size_t n) { return many_items(n, "[", "{}", "]"); }},
               {"lists", [](std::size_t n) { return many_items(n, R"({"layers":[[)", "[]", "]]}"); }},
               {"wrong layers", [](std::size_t n) { return many_items(n, R"({"other":[], "layers":[)", "{}", "]}"); }},
               {"sizes", [](std::size_t n) { return many_items(n, R"({"sizes":[)", "1", "]}"); }},
               {"strings", [](std::size_t n) { return many_items(n, "", R"("text")", ""); }},
               {"layers", many_layers}};
  for (const auto& file : files) {
    const Bytes small = file.make(kSmall);
    const Bytes large = file.make(kTimes * kSmall);
    // Quadratic time would be 64 times as long. The limit is half of that, because of busy machines and their caches.
    EXPECT_LT(seconds_of_loading(large), 0.002 + 4 * kTimes * seconds_of_loading(small)) << file.what;
  }
}

TEST(Read, MemoryIsBoundedForManyLayersOfOneWeight) {
  for (const std::size_t count : {1U, 10U, 100U, 1000U, 30'000U}) {
    const Bytes bytes = many_layers(count);
    const test::AllocationPeak peak;
    static_cast<void>(from_bytes(bytes));
    EXPECT_LE(peak.bytes(), kFixedMemory + kMemoryPerByte * bytes.size()) << count;
  }
}

TEST(Read, ANetworkOfManyLayersLoadsWithinTheSameBounds) {
  Network<float> deep({.sizes = std::vector<std::size_t>(2001, 1),
                       .activation = Activation::elu(2.0),
                       .bias = false,
                       .dropout = 0.5,
                       .seed = 1});
  NAdam nadam;
  test::train(deep, nadam, 1, 1);
  const Bytes bytes = to_bytes(deep, {.optimizer = nadam});
  const test::AllocationPeak peak;
  const AnySavedTraining loaded = from_bytes(bytes);
  EXPECT_LE(peak.bytes(), kFixedMemory + kMemoryPerByte * bytes.size());
  EXPECT_EQ(test::difference(deep, std::get<0>(loaded).network), "");
}

TEST(Read, ALargeNetworkTakesAFewTimesItsFile) {
  const Network<float> large({.sizes = {1000, 1000}, .init = Initializer::constant(1), .seed = 1});
  const Bytes bytes = to_bytes(large);
  const test::AllocationPeak peak;
  const AnySavedTraining loaded = from_bytes(bytes);
  EXPECT_LT(peak.bytes(), 2 * bytes.size() + 1'100'000) << "parameters, gradients and a piece of the file";
}

// ---- files

class Load : public testing::Test {
 protected:
  void put(const Bytes& bytes) const {
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  template <class F>
  static std::string format_error(F&& load) {
    try {
      load();
      return "";
    } catch (const FormatError& error) {
      return error.what();
    }
  }
  test::TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_ / "model.safetensors";
};

TEST_F(Load, OfTheOtherTypeNamesBoth) {
  put(full_file<double>());
  for (const std::string& message : {format_error([&] { static_cast<void>(load_checkpoint<float>(path_)); }),
                                     format_error([&] { static_cast<void>(Network<float>::load(path_)); })}) {
    EXPECT_NE(message.find("float64"), std::string::npos) << message;
    EXPECT_NE(message.find("float32"), std::string::npos) << message;
    EXPECT_NE(message.find(path_.string()), std::string::npos) << message;
  }
  EXPECT_NO_THROW(static_cast<void>(load_checkpoint<double>(path_)));
  EXPECT_TRUE(std::holds_alternative<SavedTraining<double>>(load_any_checkpoint(path_)));
}

TEST_F(Load, NamesTheFile) {
  const Bytes bytes = plain_file();
  put(Bytes(bytes.begin(), bytes.end() - 1));
  EXPECT_NE(format_error([&] { static_cast<void>(load_any_checkpoint(path_)); }).find(path_.string()),
            std::string::npos);
  put({});
  EXPECT_NE(format_error([&] { static_cast<void>(load_any_checkpoint(path_)); }).find(path_.string()),
            std::string::npos);
  try {
    static_cast<void>(Network<float>::load(directory_ / "missing"));
    ADD_FAILURE();
  } catch (const FileError& error) {
    EXPECT_EQ(error.code(), ENOENT);
    EXPECT_EQ(error.path(), (directory_ / "missing").string());
  }
}

TEST_F(Load, ALargeFileOfAnotherKindIsNotReadFirst) {
  put(Bytes(8, std::byte{'x'}));
  std::filesystem::resize_file(path_, std::uintmax_t{8} << 30U);  // a sparse file of 8 GiB
  const test::AllocationPeak peak;
  EXPECT_NE(format_error([&] { static_cast<void>(load_any_checkpoint(path_)); }), "");
  EXPECT_LT(peak.bytes(), kFixedMemory);
}

}  // namespace
}  // namespace backpass
