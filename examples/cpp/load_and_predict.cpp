// Loads the network of train_and_save, from C++ or Python, and draws its decision regions: load_and_predict [MODEL]
#include <cstdlib>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <backpass/backpass.hpp>

namespace {

constexpr std::size_t kColumns = 64;
constexpr std::size_t kRows = 32;

void draw(const std::string& path) {
  const auto net = backpass::Network<float>::load(path);
  if (net.sizes().front() != 2 || net.sizes().back() != 2) {
    throw std::invalid_argument(path + " is not a network from 2 inputs to 2 classes");
  }
  // The workspace is made once. After this line prediction allocates nothing.
  backpass::Workspace<float> workspace = net.make_workspace(kColumns);
  std::vector<float> x(2 * kColumns);
  std::vector<float> probabilities(2 * kColumns);
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::size_t column = 0; column < kColumns; ++column) {
      x[2 * column] = 14.0F * static_cast<float>(column) / (kColumns - 1) - 7.0F;
      x[2 * column + 1] = 7.0F - 14.0F * static_cast<float>(row) / (kRows - 1);
    }
    net.predict(backpass::ConstMatrixView<float>(x.data(), kColumns, 2),
                backpass::MatrixView<float>(probabilities.data(), kColumns, 2), workspace);
    std::string line;
    for (std::size_t column = 0; column < kColumns; ++column) {
      line += probabilities[2 * column] > 0.5F ? '#' : '.';
    }
    std::cout << line << '\n';
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    draw(argc > 1 ? argv[1] : "spirals.safetensors");
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return EXIT_FAILURE;
  }
}
