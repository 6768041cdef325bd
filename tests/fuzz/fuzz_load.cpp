/// Loads the data that libFuzzer generates, as a network and as an ensemble. The result must be FormatError, or
/// networks that work and that saving and loading reproduces.
///
///     fuzz_load -dict=tests/fuzz/safetensors.dict -max_total_time=60 CORPUS
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include <backpass/ensemble.hpp>
#include <backpass/error.hpp>
#include <backpass/runtime.hpp>
#include <backpass/serialize.hpp>

namespace {

template <class T>
backpass::SaveOptions options_of(backpass::SavedTraining<T>& checkpoint) {
  backpass::SaveOptions options;
  if (checkpoint.optimizer) {
    options.optimizer = *checkpoint.optimizer;
  }
  if (checkpoint.schedule) {
    options.schedule = &*checkpoint.schedule;
  }
  options.epochs = checkpoint.epochs;
  options.steps = checkpoint.steps;
  options.metadata = checkpoint.metadata;
  if (!checkpoint.memory.history.series.empty()) {
    options.memory = &checkpoint.memory;
  }
  return options;
}

template <class T>
void use(backpass::SavedTraining<T>& checkpoint) {
  backpass::Network<T>& network = checkpoint.network;
  const std::vector<T> x(network.sizes().front(), T(0.5));
  std::vector<T> y(network.sizes().back());
  network.predict(std::span<const T>(x), std::span<T>(y));
  const std::vector<std::byte> once = backpass::to_bytes(network, options_of(checkpoint));
  backpass::AnySavedTraining again = backpass::from_bytes(once);
  auto& twin = std::get<backpass::SavedTraining<T>>(again);
  if (backpass::to_bytes(twin.network, options_of(twin)) != once) {
    std::abort();
  }
}

template <class T>
void use(backpass::SavedEnsemble<T>& saved) {
  const std::vector<T> x(saved.ensemble[0].sizes().front(), T(0.5));
  std::vector<T> y(saved.ensemble[0].sizes().back());
  saved.ensemble.mean(backpass::ConstMatrixView<T>(std::span<const T>(x)), std::span<T>(y));
  const std::vector<std::byte> once = backpass::to_bytes(saved.ensemble, saved.metadata);
  const backpass::AnySavedEnsemble again = backpass::ensemble_from_bytes(once);
  const auto& twin = std::get<backpass::SavedEnsemble<T>>(again);
  if (backpass::to_bytes(twin.ensemble, twin.metadata) != once) {
    std::abort();
  }
}

/// Loads by the function, and uses the result.
template <class Load>
void try_load(Load load, std::span<const std::byte> bytes) {
  try {
    auto saved = load(bytes);
    std::visit([](auto& s) { use(s); }, saved);
  } catch (const backpass::FormatError&) {  // the only allowed error
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  backpass::set_num_threads(1);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try_load(backpass::from_bytes, bytes);
  try_load(backpass::ensemble_from_bytes, bytes);
  return 0;
}
