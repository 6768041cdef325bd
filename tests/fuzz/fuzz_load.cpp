/// Loads the data that libFuzzer generates. The result must be FormatError, or a network that works and that saving and
/// loading reproduces.
///
///     fuzz_load -dict=tests/fuzz/safetensors.dict -max_total_time=60 CORPUS
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <utility>
#include <variant>
#include <vector>

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

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  backpass::set_num_threads(1);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    backpass::AnySavedTraining checkpoint = backpass::from_bytes(std::as_bytes(std::span(data, size)));
    std::visit([](auto& c) { use(c); }, checkpoint);
  } catch (const backpass::FormatError&) {  // the only allowed error
  }
  return 0;
}
