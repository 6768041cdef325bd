// Makes every kind of call, so that a compiler instantiates everything that the headers declare. Compiled with all
// warnings.
#include <utility>
#include <vector>

#include <backpass/backpass.hpp>

namespace {

template <class T>
double every_call(const std::vector<T>& numbers) {
  backpass::Network<T> net({.sizes = {2, 3, 2}, .activation = backpass::Activation::elu(0.5), .seed = 1});
  std::vector<T> memory(8);
  const backpass::ConstMatrixView<T> x(numbers.data(), 4, 2);
  const backpass::MatrixView<T> out(memory.data(), 4, 2);
  const std::vector<int> labels{0, 1, 1, 0};
  backpass::Adam adam{};
  backpass::Optimizer other = backpass::optimizer_from_name("lion");

  backpass::Workspace<T> workspace = net.make_workspace(4);
  net.predict(x, out, workspace);
  net.predict(x, out);
  net.forward(x, true);
  net.backward(out);
  net.layer(0).set_bias_lr_scale(0.1);
  net.step(other, {.l2 = 0.1});
  double sum = net.train_step(x, labels, backpass::SoftmaxCrossEntropy{}, adam);
  sum += net.loss_and_gradient(x, out, backpass::MeanSquaredError{});
  sum += net.evaluate(x, out, backpass::Huber{});
  backpass::FitOptions<T> options{};
  options.metrics = {backpass::Metric::mae};
  backpass::Schedule schedule = backpass::schedules::Cosine{};
  options.schedule = &schedule;
  options.dropout_schedule = options.weight_decay_schedule = backpass::schedules::FlatCosine{};
  sum += net.fit(x, out, backpass::MeanSquaredError{}, adam, options)["loss"].back();
  sum += backpass::evaluate_loss<T>(backpass::Quantile{}, x, x);
  sum += backpass::compute_metric<T>(backpass::Metric::r2, x, x);
  sum += static_cast<double>(net.layer(0).weight(0, 0));
  backpass::apply_optimizer<T>(adam, net.parameters(), net.gradients());
  backpass::Activation::tanh().apply(backpass::ConstMatrixView<T>(out), out);
  backpass::initialize(backpass::Initializer::orthogonal(), net.spec(0).activation, out, backpass::Philox(1, 2));

  const backpass::AnySavedTraining any = backpass::from_bytes(backpass::to_bytes(net));
  backpass::save("every_call.safetensors", net);
  sum += static_cast<double>(backpass::load_checkpoint<T>("every_call.safetensors").epochs + any.index());
  const backpass::Network<T> copy = std::exchange(net, net.copy());
  return sum + static_cast<double>(copy.num_parameters());
}

int every_comparison() {
  int equal = static_cast<int>(backpass::Activation::relu() == backpass::Activation::tanh());
  equal += static_cast<int>(backpass::CrossEntropy{.label_smoothing = 0.1} == backpass::CrossEntropy{});
  equal += static_cast<int>(backpass::Initializer::normal(0.1) == backpass::Initializer{});
  equal += static_cast<int>(backpass::OptimizerState::Group{1, 0.5} == backpass::OptimizerState::Group{});
  equal += static_cast<int>(backpass::Huber{.delta = 2.0} == backpass::Huber{});
  return equal + static_cast<int>(backpass::Quantile{.q = 0.9} == backpass::Quantile{});
}

void every_exception(int which) {
  switch (which) {
    case 1:
      throw backpass::ShapeError("shape");
    case 2:
      throw backpass::StateError("state");
    case 3:
      throw backpass::FileError("file", 1, "path");
    case 4:
      throw backpass::FormatError("format");
    case 5:
      throw backpass::DivergenceError("divergence", 1, 2);
    default:
      break;
  }
}

}  // namespace

int main(int argc, char**) {
  every_exception(argc - 1);
  const double sum = every_call(std::vector<float>(8, 0.5F)) + every_call(std::vector<double>(8, 0.5));
  return sum > 0.0 && every_comparison() == 0 ? 0 : 1;
}
