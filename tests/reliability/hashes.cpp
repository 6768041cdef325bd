// hashes GOLDEN.json [--print]: hashes the bits of predictions, gradients, parameters after training, and training
// resumed from a file. Each is computed with 1, 2, 3 and 8 threads and for both types, and compared with the published
// table.
//
// tests/reliability/hashes.py computes the same quantities with the Python package, and writes the table. The table has
// one entry per kernel set. The program uses the best set, or that of BACKPASS_ISA.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <nlohmann/json.hpp>

#include <backpass/backpass.hpp>

#include "environment.hpp"

namespace {

namespace bp = backpass;

using Table = std::map<std::string, std::string>;

/// FNV-1a with 64 bits over the bytes of its input.
class Hash {
 public:
  template <class T>
  void add(std::span<const T> values) {
    for (const std::byte byte : std::as_bytes(values)) {
      state_ = (state_ ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3;
    }
  }
  void add(double value) { add(std::span<const double>(&value, 1)); }
  [[nodiscard]] std::string text() const {
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(state_));
    return digits;
  }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325;
};

template <class T>
std::string hash_of(std::span<const T> values) {
  Hash hash;
  hash.add(values);
  return hash.text();
}

/// Numbers of 16 bits in [−1, 1), the same in every language: word k is the upper half of 2654435761 (k + 1) mod 2^32.
std::uint32_t word(std::uint32_t k) { return (2654435761U * (k + 1)) >> 16; }
template <class T>
std::vector<T> numbers(std::size_t count, std::uint32_t first = 0) {
  std::vector<T> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = static_cast<T>(static_cast<int>(word(first + static_cast<std::uint32_t>(i))) - 32768) / T(32768);
  }
  return values;
}

template <class T>
struct Problem {
  static constexpr std::size_t kRows = 300;
  static constexpr std::size_t kInputs = 33;
  static constexpr std::size_t kOutputs = 5;
  std::vector<T> x_values = numbers<T>(kRows * kInputs);
  std::vector<T> y_values = numbers<T>(kRows * kOutputs, 1000000);
  std::vector<T> positive_values = y_values;  ///< in [0, 1]
  std::vector<std::int64_t> labels = std::vector<std::int64_t>(kRows);
  bp::ConstMatrixView<T> x{x_values.data(), kRows, kInputs};
  bp::ConstMatrixView<T> y{y_values.data(), kRows, kOutputs};
  bp::ConstMatrixView<T> positive{positive_values.data(), kRows, kOutputs};

  Problem() {
    for (T& value : positive_values) {
      value = (value + T(1)) / T(2);
    }
    for (std::size_t r = 0; r < kRows; ++r) {
      labels[r] = word(static_cast<std::uint32_t>(2000000 + r)) % kOutputs;
    }
  }
};

template <class T>
bp::Network<T> make_network(const bp::Activation& output, double dropout = 0.0) {
  return bp::Network<T>({.sizes = {Problem<T>::kInputs, 128, 65, Problem<T>::kOutputs},
                         .activation = bp::Activation::tanh(),
                         .output = output,
                         .dropout = dropout,
                         .seed = 11});
}

template <class T>
void add_predictions(Table& table, const Problem<T>& p) {
  for (const std::string_view name : bp::Activation::names()) {
    const bp::Network<T> net({.sizes = {p.kInputs, 19, p.kOutputs},
                              .activation = bp::Activation::from_name(name),
                              .output = bp::Activation::identity(),
                              .seed = 7});
    std::vector<T> out(p.kRows * p.kOutputs);
    net.predict(p.x, {out.data(), p.kRows, p.kOutputs});
    table["predict " + std::string(name)] = hash_of<T>(out);
  }
}

/// E, all gradients and ∂E/∂a^0, with the output activation that fits the loss.
template <class T>
void add_gradients(Table& table, const Problem<T>& p) {
  for (const std::string& name : bp::loss_names()) {
    const bp::Loss loss = bp::loss_from_name(name);
    const auto output = static_cast<std::size_t>(bp::loss_traits(loss).output);
    bp::Network<T> net = make_network<T>(bp::Activation::from_name(bp::Activation::names()[output]));
    const bool labels = bp::loss_traits(loss).takes_labels();
    const bp::Targets<T> y = labels ? bp::Targets<T>(p.labels) : bp::Targets<T>(p.positive);
    std::vector<T> input_gradient(p.kRows * p.kInputs);
    Hash hash;
    hash.add(net.loss_and_gradient(p.x, y, loss, {}, {input_gradient.data(), p.kRows, p.kInputs}));
    hash.add<T>(net.gradients());
    hash.add<T>(input_gradient);
    table["gradient " + name] = hash.text();
  }
}

/// Seven steps of each optimizer over batches of 300, 100, 1 and 17 rows.
template <class T>
void add_steps(Table& table, const Problem<T>& p) {
  for (const std::string& name : bp::optimizer_names()) {
    bp::Network<T> net = make_network<T>(bp::Activation::identity());
    bp::Optimizer optimizer = bp::optimizer_from_name(name);
    for (const std::size_t rows : {300, 100, 1, 17, 300, 100, 1}) {
      net.train_step(p.x.middle_rows(0, rows), p.y.middle_rows(0, rows), bp::Huber{}, optimizer);
    }
    table["steps " + std::string(bp::OptimizerRef(optimizer).name())] = hash_of<T>(net.parameters());
  }
}

template <class T>
bp::FitOptions<T> fit_options(std::size_t epochs) {
  return {.epochs = epochs, .batch_size = 64, .gradient = {.l2 = 0x1p-10, .clip_norm = 0.5}, .seed = 5};
}

/// Four epochs with dropout, shuffling, a penalty and clipping. Then two epochs, and from their file
/// two more on another network.
template <class T>
void add_fit(Table& table, const Problem<T>& p) {
  bp::Network<T> net = make_network<T>(bp::Activation::softmax(), 0.25);
  bp::Adam adam;
  const bp::History history = net.fit(p.x, p.labels, bp::CrossEntropy{}, adam, fit_options<T>(4));
  table["fit parameters"] = hash_of<T>(net.parameters());
  table["fit losses"] = hash_of<double>(history["loss"]);

  const std::filesystem::path path = std::filesystem::temp_directory_path() /
                                     ("backpass-hashes-" + std::to_string(bp::random_seed()) + ".safetensors");
  bp::FitOptions<T> first = fit_options<T>(2);
  first.checkpoint = path;
  bp::FitOptions<T> rest = fit_options<T>(4);
  rest.resume_from = path;
  for (const bp::FitOptions<T>& options : {first, rest}) {
    bp::Network<T> resumed = make_network<T>(bp::Activation::softmax(), 0.25);
    bp::Adam own;
    resumed.fit(p.x, p.labels, bp::CrossEntropy{}, own, options);
    table["resumed parameters"] = hash_of<T>(resumed.parameters());
  }
  std::filesystem::remove(path);
}

template <class T>
Table hashes() {
  const Problem<T> problem;
  Table table;
  table["initial parameters"] = hash_of<T>(make_network<T>(bp::Activation::identity()).parameters());
  add_predictions(table, problem);
  add_gradients(table, problem);
  add_steps(table, problem);
  add_fit(table, problem);
  return table;
}

/// Prints the differences between the tables; returns whether they are equal.
bool equal(const std::string& what, const Table& table, const Table& expected) {
  for (const auto& [name, hash] : expected) {
    const auto found = table.find(name);
    if (found == table.end() || found->second != hash) {
      std::printf("%s: %s: %s, not %s\n", what.c_str(), name.c_str(),
                  found == table.end() ? "missing" : found->second.c_str(), hash.c_str());
    }
  }
  return table == expected;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: hashes GOLDEN.json [--print]\n");
    return 2;
  }
  bp::test::set_variable("BACKPASS_WHOLE_TEAMS", "1");  // every call uses exactly the compared number of threads
#if defined(__x86_64__)
  const std::string isa = std::string("x86_64 ") + bp::active_isa();
#elif defined(__aarch64__)
  const std::string isa = std::string("aarch64 ") + bp::active_isa();
#else
  const std::string isa = std::string("other ") + bp::active_isa();
#endif
  std::ifstream file(argv[1]);
  const nlohmann::json golden = nlohmann::json::parse(file);
  nlohmann::json computed;
  bool good = true;
  std::size_t count = 0;
  for (const int threads : {1, 2, 3, 8}) {
    bp::set_num_threads(threads);
    const std::map<std::string, Table> tables{{"float32", hashes<float>()}, {"float64", hashes<double>()}};
    for (const auto& [type, table] : tables) {
      const std::string what = isa + ", " + type + ", " + std::to_string(threads) + " threads";
      if (table.at("resumed parameters") != table.at("fit parameters")) {
        std::printf("%s: the resumed training differs from the uninterrupted one\n", what.c_str());
        good = false;
      }
      if (threads == 1) {
        computed[isa][type] = table;
        count += table.size();
      }
      good = equal(what, table, computed[isa][type].get<Table>()) && good;
      if (golden.contains(isa)) {
        good = equal(what + ", against the published table", table, golden[isa][type].get<Table>()) && good;
      }
    }
  }
  if (argc > 2 && std::string_view(argv[2]) == "--print") {
    std::printf("%s\n", computed.dump(1).c_str());
    return good ? 0 : 1;
  }
  std::printf("hashes (C++, %s), %s: %zu quantities with 1, 2, 3 and 8 threads: %s%s\n", bp::config().compiler.c_str(),
              isa.c_str(), count, good ? "equal" : "DIFFERENT",
              golden.contains(isa) ? ", and compared with the published table"
                                   : "; the published table has no entry for this set");
  return good ? 0 : 1;
}
