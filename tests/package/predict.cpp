// predict MODEL INPUT EXPECTED: loads a network that Python saved, and compares its predictions with Python's bit by
// bit. INPUT and EXPECTED are raw numbers of the network's type, sample after sample.
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <variant>
#include <vector>

#include <backpass/backpass.hpp>

namespace {

template <class T>
std::vector<T> read_numbers(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  std::vector<T> numbers(bytes.size() / sizeof(T));
  std::memcpy(numbers.data(), bytes.data(), numbers.size() * sizeof(T));
  return numbers;
}

template <class T>
bool same_bits(const backpass::Network<T>& network, const std::string& input, const std::string& expected_path) {
  const std::vector<T> x = read_numbers<T>(input);
  const std::vector<T> expected = read_numbers<T>(expected_path);
  const std::size_t inputs = network.sizes().front();
  const std::size_t outputs = network.sizes().back();
  const std::size_t rows = x.size() / inputs;
  if (rows == 0 || expected.size() != rows * outputs) {
    std::cerr << "the files do not fit the network\n";
    return false;
  }
  std::vector<T> out(rows * outputs);
  network.predict(backpass::ConstMatrixView<T>(x.data(), rows, inputs),
                  backpass::MatrixView<T>(out.data(), rows, outputs));
  return std::memcmp(out.data(), expected.data(), out.size() * sizeof(T)) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: predict MODEL INPUT EXPECTED\n";
    return 2;
  }
  try {
    const backpass::AnySavedTraining checkpoint = backpass::load_any_checkpoint(argv[1]);
    const bool same = std::visit([&](const auto& c) { return same_bits(c.network, argv[2], argv[3]); }, checkpoint);
    std::cout << "backpass " << backpass::config().version << ", " << backpass::active_isa() << ": "
              << (same ? "the same bits" : "OTHER BITS") << '\n';
    return same ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
