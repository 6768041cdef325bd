// A plug-in that uses the static library. Only this function is visible, so that the system unloads the whole plug-in.
#include <backpass/network.hpp>
#include <backpass/runtime.hpp>

#include <vector>

extern "C" __attribute__((visibility("default"))) float predict_in_plugin(int threads) {
  constexpr std::size_t kRows = 500;
  backpass::set_num_threads(threads);
  const backpass::Network<float> network({.sizes = {32, 128, 1}, .seed = 1});
  const std::vector<float> x(kRows * 32, 0.5F);
  std::vector<float> out(kRows);
  network.predict(backpass::ConstMatrixView<float>(x.data(), kRows, 32),
                  backpass::MatrixView<float>(out.data(), kRows, 1));
  float sum = 0.0F;
  for (const float value : out) {
    sum += value;
  }
  return sum;
}
