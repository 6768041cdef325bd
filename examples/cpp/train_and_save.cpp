// Trains a classifier on the two arms of a spiral and saves it: train_and_save [MODEL]
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <numbers>
#include <stdexcept>
#include <string>
#include <vector>

#include <backpass/backpass.hpp>

namespace {

struct Data {
  std::vector<float> x;              // (rows, 2)
  std::vector<std::int32_t> labels;  // (rows), 0 or 1
  [[nodiscard]] backpass::ConstMatrixView<float> view() const { return {x.data(), labels.size(), 2}; }
};

/// Points on two arms of a spiral of radius 6, one and a half turns each, with a little noise.
Data spirals(std::size_t rows, std::uint64_t seed) {
  const backpass::Philox random(seed);
  Data data;
  for (std::size_t row = 0; row < rows; ++row) {
    const double radius = 6.0 * std::sqrt(random.uniform(3 * row));
    const auto arm = static_cast<std::int32_t>(row % 2);
    const double angle = 0.5 * std::numbers::pi * radius + std::numbers::pi * arm;
    data.x.push_back(static_cast<float>(radius * std::cos(angle) + 0.1 * random.normal(3 * row + 1)));
    data.x.push_back(static_cast<float>(radius * std::sin(angle) + 0.1 * random.normal(3 * row + 2)));
    data.labels.push_back(arm);
  }
  return data;
}

void train_and_save(const std::string& path) {
  const Data train = spirals(4000, 1);
  const Data test = spirals(1000, 2);

  backpass::Network<float> net({.sizes = {2, 64, 64, 2},
                                .activation = backpass::Activation::tanh(),
                                .output = backpass::Activation::softmax(),
                                .seed = 0});
  backpass::Adam adam{.lr = 5e-3};
  backpass::FitOptions<float> options;
  options.epochs = 50;
  options.validation_data = {test.view(), test.labels};
  options.metrics = {backpass::Metric::accuracy};
  options.on_epoch_end = [](const backpass::EpochReport& report) {
    if ((report.epoch + 1) % 10 == 0) {
      std::cout << "epoch " << report.epoch + 1 << ": loss " << report.history["loss"].back() << ", test accuracy "
                << report.history["val_accuracy"].back() << '\n';
    }
    return false;
  };
  const backpass::History history = net.fit(train.view(), train.labels, backpass::CrossEntropy{}, adam, options);
  if (history["val_accuracy"].back() < 0.98) {
    throw std::runtime_error("the network has not learnt the spiral");
  }
  net.save(path);
  std::cout << "saved " << path << ": " << net.num_parameters() << " parameters\n";
}

}  // namespace

int main(int argc, char** argv) {
  try {
    train_and_save(argc > 1 ? argv[1] : "spirals.safetensors");
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return EXIT_FAILURE;
  }
}
