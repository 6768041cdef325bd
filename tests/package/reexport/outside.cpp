#include <backpass/backpass.hpp>

double outside_prediction(float input) {
  backpass::Network<float> net({.sizes = {1, 1}, .seed = 1});
  net.layer(0).weight(0, 0) = 2.0F;
  net.layer(0).bias()[0] = 1.0F;
  float output = 0.0F;
  net.predict({&input, 1, 1}, {&output, 1, 1});
  return static_cast<double>(output);
}
