// A network learns XOR, and is saved and loaded. Exits with 0 if the loaded network knows XOR.
#include <backpass/backpass.hpp>

#include <vector>

int main() {
  const std::vector<float> x{0, 0, 0, 1, 1, 0, 1, 1};
  const std::vector<int> labels{0, 1, 1, 0};
  const backpass::ConstMatrixView<float> samples(x.data(), 4, 2);
  backpass::Network<float> net({.sizes = {2, 16, 2},
                                .activation = backpass::Activation::tanh(),
                                .output = backpass::Activation::softmax(),
                                .seed = 0});
  backpass::Adam adam{.lr = 1e-2};
  for (int i = 0; i < 500; ++i) {
    net.train_step(samples, labels, backpass::CrossEntropy{}, adam);
  }
  net.save("xor.safetensors");
  std::vector<float> out(4 * 2);
  backpass::Network<float>::load("xor.safetensors").predict(samples, {out.data(), 4, 2});
  return out[0] > 0.9F && out[3] > 0.9F && out[5] > 0.9F && out[6] > 0.9F ? 0 : 1;
}
