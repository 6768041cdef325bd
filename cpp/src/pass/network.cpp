#include <backpass/network.hpp>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <backpass/error.hpp>
#include <backpass/runtime.hpp>

#include "base/floating_point_mode.hpp"
#include "base/of_type.hpp"
#include "base/require.hpp"
#include "base/text.hpp"
#include "model/check_loss.hpp"
#include "model/require_matrix.hpp"
#include "pass/network_access.hpp"
#include "pass/network_impl.hpp"
#include "pass/shards.hpp"
#include "runtime/interrupt.hpp"
#include "runtime/team.hpp"

namespace backpass {

namespace {

/// A buffer of zeros. The operating system provides the pages at the first write, which takes long for a large buffer.
/// So the buffer is written in parts, with polls in between.
template <class T>
AlignedBuffer<T> zeros(std::size_t size) {
  AlignedBuffer<T> buffer(size, Unwritten{});
  runtime::in_parts(size, runtime::kWriteOperations, [&](std::size_t begin, std::size_t end) {
    std::fill(buffer.data() + begin, buffer.data() + end, T{});
  });
  return buffer;
}

[[noreturn]] void refuse_moved(const char* what) {
  throw StateError(std::string("this ") + what + " was moved from: assign a valid object to it first");
}

}  // namespace

template <class T>
void Network<T>::Impl::check_input(const Input<T>& x, std::string_view prefix) const {
  if (x.cols() != model.sizes.front()) {
    throw ShapeError(std::string(prefix) + "x has shape " + shape_text(x.rows(), x.cols()) + ", expected " +
                     batch_shape_text(model.sizes.front()));
  }
  if (x.data() == nullptr && x.rows() != 0) {
    model::refuse_null(std::string(prefix) + "x", x.rows(), x.cols());
  }
}

template <class T>
void Network<T>::Impl::check_loss(const Loss& loss, std::size_t rows, const Targets<T>& y,
                                  std::span<const T> sample_weight, std::string_view prefix) const {
  const std::size_t outputs = model.sizes.back();
  model::check_pair(loss, model.layers.back().activation, outputs);
  model::check_targets(loss, rows, outputs, y, sample_weight, prefix);
}

// ---- structure

template <class T>
Network<T>::Network(const NetworkOptions& options) : impl_(std::make_unique<Impl>(options.init)) {
  model::Model<T>& model = impl_->model;
  model.layers = model::make_layers(options);
  model.sizes = options.sizes;
  const LayerSpec& last = model.layers.back();
  model.parameters = zeros<T>(last.offset + last.num_parameters());
  model.gradients = zeros<T>(model.parameters.size());
  // These throw if an environment variable of the library is invalid: here, before any later call depends on it.
  (void)get_num_threads();
  (void)active_isa();
  const std::uint64_t seed = options.seed.value_or(random_seed());
  model::initialize_parameters<T>(model.layers, impl_->init, seed, model.parameters.data());
  model.dropout = {seed, 0};
}

template <class T>
Network<T>::Network(const Network& other) : impl_(std::make_unique<Impl>(other.checked_impl())) {}

template <class T>
Network<T>& Network<T>::operator=(const Network& other) {
  if (this != &other) {
    auto copy = std::make_unique<Impl>(other.checked_impl());
    if (impl_ != nullptr) {
      copy->model.identity.replace(impl_->model.identity);
    }
    impl_ = std::move(copy);
  }
  return *this;
}

template <class T>
Network<T>::Network(Network&&) noexcept = default;
template <class T>
Network<T>& Network<T>::operator=(Network&&) noexcept = default;
template <class T>
Network<T>::~Network() = default;

template <class T>
typename Network<T>::Impl& Network<T>::checked_impl() {
  if (!impl_) {
    refuse_moved("network");
  }
  return *impl_;
}
template <class T>
const typename Network<T>::Impl& Network<T>::checked_impl() const {
  if (!impl_) {
    refuse_moved("network");
  }
  return *impl_;
}

template <class T>
template <class U>
Network<U> Network<T>::converted() const {
  const Impl& from = checked_impl();
  std::vector<bool> biases;
  biases.reserve(from.model.layers.size());
  for (const LayerSpec& layer : from.model.layers) {
    biases.push_back(layer.bias);
  }
  Network<U> result({.sizes = from.model.sizes,
                     .bias = biases,
                     .init = Initializer{InitializerKind::zeros},
                     .seed = from.model.dropout.seed});
  auto& to = *result.impl_;
  to.init = from.init;
  to.model.layers = from.model.layers;
  to.model.dropout.pass = from.model.dropout.pass;
  const T* const p = from.model.parameters.data();
  runtime::in_parts(from.model.parameters.size(), runtime::kWriteOperations, [&](std::size_t begin, std::size_t end) {
    std::transform(p + begin, p + end, to.model.parameters.data() + begin,
                   [](T parameter) { return static_cast<U>(parameter); });
  });
  return result;
}

template <class T>
void Network<T>::initialize(std::uint64_t seed) {
  model::Model<T>& model = checked_impl().model;
  AlignedBuffer<T> drawn = zeros<T>(model.parameters.size());  // an interrupt must not change the parameters
  model::initialize_parameters<T>(model.layers, impl_->init, seed, drawn.data());
  std::copy_n(drawn.data(), drawn.size(), model.parameters.data());
  model.dropout = {seed, 0};
  ++model.version;
}

template <class T>
std::span<const std::size_t> Network<T>::sizes() const noexcept {
  return impl_ ? std::span<const std::size_t>(impl_->model.sizes) : std::span<const std::size_t>();
}
template <class T>
std::size_t Network<T>::num_layers() const noexcept {
  return impl_ ? impl_->model.layers.size() : 0;
}
template <class T>
std::size_t Network<T>::num_parameters() const noexcept {
  return impl_ ? impl_->model.parameters.size() : 0;
}
template <class T>
const LayerSpec& Network<T>::spec(std::size_t i) const {
  const auto& layers = checked_impl().model.layers;
  if (i >= layers.size()) {
    throw std::out_of_range("layer " + std::to_string(i) + " is out of range: the network has " +
                            (layers.size() == 1 ? "one layer, number 0"
                                                : std::to_string(layers.size()) + " layers, numbered 0 to " +
                                                      std::to_string(layers.size() - 1)));
  }
  return layers[i];
}
template <class T>
Layer<T> Network<T>::layer(std::size_t i) {
  (void)spec(i);  // throws if i is out of range
  return Layer<T>(this, i);
}
template <class T>
std::span<T> Network<T>::parameters() noexcept {
  return impl_ ? impl_->model.parameters.span() : std::span<T>();
}
template <class T>
std::span<const T> Network<T>::parameters() const noexcept {
  return impl_ ? std::as_const(impl_->model.parameters).span() : std::span<const T>();
}
template <class T>
std::span<T> Network<T>::gradients() noexcept {
  if (!impl_) {
    return {};
  }
  impl_->model.set_has_gradients();  // the caller may write them
  return impl_->model.gradients.span();
}
template <class T>
std::span<const T> Network<T>::gradients() const noexcept {
  return impl_ ? std::as_const(impl_->model.gradients).span() : std::span<const T>();
}
template <class T>
typename Network<T>::DropoutState Network<T>::dropout_state() const noexcept {
  return impl_ ? impl_->model.dropout : DropoutState{};
}
template <class T>
void Network<T>::set_dropout_state(DropoutState state) {
  checked_impl().model.dropout = state;
}
template <class T>
std::shared_ptr<const void> Network<T>::activation_memory() const noexcept {
  return impl_ ? impl_->stored_pass.tape() : nullptr;
}

// ---- forward, backward, step

template <class T>
ConstMatrixView<T> Network<T>::forward(const Input<T>& x, bool training) {
  checked_impl().check_input(x);
  auto& dropout = impl_->model.dropout;
  const auto pass = training ? std::optional(pass::DropoutPass{dropout.seed, dropout.pass, impl_->model.dropout_scale})
                             : std::nullopt;
  const ConstMatrixView<T> output = impl_->stored_pass.forward(impl_->model, x, pass);
  dropout.pass += training ? 1 : 0;
  return output;
}

template <class T>
void Network<T>::backward(ConstMatrixView<T> grad_output, MatrixView<T> input_gradient, bool accumulate) {
  const auto rows = checked_impl().stored_pass.rows();
  if (!rows) {
    throw StateError("call forward() before backward()");
  }
  if (impl_->stored_pass.version() != impl_->model.version) {
    throw StateError("the parameters have changed since forward(): call forward() again before backward()");
  }
  model::require_input("grad_output", grad_output, *rows, sizes().back());
  if (input_gradient.data() != nullptr) {
    model::require_output("input_gradient", input_gradient, *rows, sizes().front());
    model::require_apart("grad_output", grad_output, "input_gradient", input_gradient);
  }
  impl_->stored_pass.backward(impl_->model, grad_output, input_gradient, accumulate);
}

template <class T>
void Network<T>::step(OptimizerRef optimizer, const GradientOptions& options) {
  require_fields(options);
  Impl& impl = checked_impl();
  if (!impl.model.has_gradients()) {
    throw StateError("there are no gradients yet: call backward() or loss_and_gradient() before step()");
  }
  in_own_mode([&] {
    impl.step.check(impl.model, optimizer);
    impl.step.apply(impl.model, optimizer, options);
  });
}

// ---- inference

template <class T>
Workspace<T> Network<T>::make_workspace(std::size_t max_batch) const {
  using WorkspaceImpl = typename Workspace<T>::Impl;
  const model::Model<T>& model = checked_impl().model;
  Workspace<T> workspace(
      std::make_unique<WorkspaceImpl>(WorkspaceImpl{pass::Predictor<T>(model, max_batch, get_num_threads())}));
  workspace.impl_->predictor.start_threads(model);
  return workspace;
}

template <class T>
void Network<T>::predict(const Input<T>& x, MatrixView<T> out, Workspace<T>& workspace, int num_threads) const {
  checked_impl().check_input(x);
  model::require_output("out", out, x.rows(), impl_->model.sizes.back());
  model::require_apart("x", x, "out", out);
  if (!workspace.impl_) {
    refuse_moved("workspace");
  }
  pass::Predictor<T>& predictor = workspace.impl_->predictor;
  if (!predictor.fits(impl_->model)) {
    throw ShapeError("the workspace was made for a smaller network");
  }
  predictor.run(impl_->model, x, out, num_threads);
}

template <class T>
void Network<T>::predict(const Input<T>& x, MatrixView<T> out, int num_threads) const {
  checked_impl().check_input(x);
  model::require_output("out", out, x.rows(), impl_->model.sizes.back());
  model::require_apart("x", x, "out", out);
  const int threads = runtime::most_threads(num_threads);
  const auto predictor = impl_->predictors.lease(
      [&](const pass::Predictor<T>& p) { return p.max_rows() >= x.rows() && p.threads() >= threads; },
      [&] { return std::make_unique<pass::Predictor<T>>(impl_->model, x.rows(), threads); });
  predictor->run(impl_->model, x, out, num_threads);
}

template <class T>
Workspace<T>::Workspace(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
template <class T>
Workspace<T>::Workspace(Workspace&&) noexcept = default;
template <class T>
Workspace<T>& Workspace<T>::operator=(Workspace&&) noexcept = default;
template <class T>
Workspace<T>::~Workspace() = default;
template <class T>
std::size_t Workspace<T>::max_batch() const noexcept {
  return impl_ ? impl_->predictor.max_rows() : 0;
}

// ---- training

template <class T>
double Network<T>::train_step(const Input<T>& x, Targets<T> y, const Loss& loss, OptimizerRef optimizer,
                              std::span<const T> sample_weight, const GradientOptions& options, std::size_t shards) {
  checked_impl().check_input(x);
  require_fields(options);
  pass::check_shards(shards, loss);
  impl_->check_loss(loss, x.rows(), y, sample_weight);
  if (const auto* custom = std::get_if<CustomLoss>(&loss)) {
    impl_->step.check(impl_->model, optimizer);
    const double value = custom_loss_and_gradient(*custom, x, y, {});
    step(optimizer, options);
    return value;
  }
  return in_own_mode([&] {
    return impl_->batch_pass.train(impl_->model, {x, y, sample_weight, std::nullopt}, loss,
                                   {true, {}, optimizer, options, {pass::Shards::all(shards, x.rows())}});
  });
}

template <class T>
double Network<T>::loss_and_gradient(const Input<T>& x, Targets<T> y, const Loss& loss,
                                     std::span<const T> sample_weight, MatrixView<T> input_gradient,
                                     std::size_t shards) {
  checked_impl().check_input(x);
  pass::check_shards(shards, loss);
  impl_->check_loss(loss, x.rows(), y, sample_weight);
  if (input_gradient.data() != nullptr) {
    model::require_output("input_gradient", input_gradient, x.rows(), sizes().front());
    model::require_apart("x", x, "input_gradient", input_gradient);
    if (!y.are_labels()) {
      model::require_apart("y", y.values(), "input_gradient", input_gradient);
    }
  }
  if (const auto* custom = std::get_if<CustomLoss>(&loss)) {
    return custom_loss_and_gradient(*custom, x, y, input_gradient);
  }
  return in_own_mode([&] {
    return impl_->batch_pass.train(impl_->model, {x, y, sample_weight, std::nullopt}, loss,
                                   {true, input_gradient, {}, {}, {pass::Shards::all(shards, x.rows())}});
  });
}

template <class T>
double Network<T>::custom_loss_and_gradient(const CustomLoss& loss, const Input<T>& x, Targets<T> y,
                                            MatrixView<T> input_gradient) {
  const DropoutState dropout = dropout_state();
  try {
    const ConstMatrixView<T> a = forward(x, true);
    std::vector<T> grad(a.rows() * a.cols());
    const MatrixView<T> grad_output(grad.data(), a.rows(), a.cols());
    const double value = in_callers_mode(of_type<T>(loss.function_f32, loss.function_f64), a, y, grad_output);
    backward(grad_output, input_gradient);
    return value;
  } catch (...) {
    set_dropout_state(dropout);  // the call failed, so its dropout pass does not count
    throw;
  }
}

template <class T>
double Network<T>::evaluate(const Input<T>& x, Targets<T> y, const Loss& loss, std::span<const T> sample_weight) const {
  checked_impl().check_input(x);
  impl_->check_loss(loss, x.rows(), y, sample_weight);
  if (std::holds_alternative<CustomLoss>(loss)) {
    std::vector<T> a(x.rows() * sizes().back());
    const MatrixView<T> output(a.data(), x.rows(), sizes().back());
    predict(x, output);
    return evaluate_loss<T>(loss, output, y);
  }
  const auto pass = impl_->lease_evaluation();
  return in_own_mode([&] { return pass->evaluate(impl_->model, {x, y, sample_weight, std::nullopt}, loss); });
}

// ---- layers

template <class T>
const LayerSpec& Layer<T>::spec() const noexcept {
  static const LayerSpec none;
  return index_ < network_->num_layers() ? network_->impl_->model.layers[index_] : none;
}
template <class T>
MatrixView<T> Layer<T>::weight_transposed() const noexcept {
  return {network_->parameters().data() + spec().offset, spec().inputs, spec().outputs};
}
template <class T>
std::span<T> Layer<T>::bias() const noexcept {
  return network_->parameters().subspan(spec().offset + spec().num_weights(), spec().bias ? spec().outputs : 0);
}
template <class T>
MatrixView<T> Layer<T>::weight_grad_transposed() const noexcept {
  return {network_->gradients().data() + spec().offset, spec().inputs, spec().outputs};
}
template <class T>
std::span<T> Layer<T>::bias_grad() const noexcept {
  return network_->gradients().subspan(spec().offset + spec().num_weights(), spec().bias ? spec().outputs : 0);
}
template <class T>
ConstMatrixView<T> Layer<T>::z() const {
  (void)network_->spec(index_);  // throws if the network now has fewer layers
  const auto& pass = network_->checked_impl().stored_pass;
  if (!pass.rows()) {
    throw StateError("there is no z yet: call forward() first");
  }
  return pass.tape()->layer(index_ + 1).z.middle_rows(0, *pass.rows());
}
template <class T>
ConstMatrixView<T> Layer<T>::a() const {
  (void)network_->spec(index_);  // throws if the network now has fewer layers
  const auto& pass = network_->checked_impl().stored_pass;
  if (!pass.rows()) {
    throw StateError("there is no a yet: call forward() first");
  }
  return pass.tape()->layer(index_ + 1).a.middle_rows(0, *pass.rows());
}
template <class T>
ConstMatrixView<T> Layer<T>::xi() const {
  (void)network_->spec(index_);  // throws if the network now has fewer layers
  const auto& pass = network_->checked_impl().stored_pass;
  if (!pass.has_xi()) {
    throw StateError("there is no xi yet: call forward() and then backward() first");
  }
  return pass.tape()->layer(index_ + 1).xi.middle_rows(0, *pass.rows());
}
template <class T>
void Layer<T>::set_trainable(bool trainable) const {
  (void)network_->spec(index_);  // throws for a network that was moved from
  network_->impl_->model.layers[index_].trainable = trainable;
}
template <class T>
void Layer<T>::set_lr_scale(double lr_scale) const {
  require(Range::non_negative, "layer", "lr_scale", lr_scale);
  (void)network_->spec(index_);
  network_->impl_->model.layers[index_].lr_scale = lr_scale;
}
template <class T>
void Layer<T>::set_bias_lr_scale(double bias_lr_scale) const {
  require(Range::non_negative, "layer", "bias_lr_scale", bias_lr_scale);
  (void)network_->spec(index_);
  network_->impl_->model.layers[index_].bias_lr_scale = bias_lr_scale;
}

// ---- for the folders above

template <class T>
void NetworkAccess::check_input(const Network<T>& network, const Input<T>& x, std::string_view prefix) {
  network.checked_impl().check_input(x, prefix);
}
template <class T>
void NetworkAccess::check_loss(const Network<T>& network, const Loss& loss, std::size_t rows, const Targets<T>& y,
                               std::span<const T> sample_weight, std::string_view prefix) {
  network.checked_impl().check_loss(loss, rows, y, sample_weight, prefix);
}
template <class T>
void NetworkAccess::check_step(Network<T>& network, OptimizerRef optimizer) {
  auto& impl = network.checked_impl();
  impl.step.check(impl.model, optimizer);
}
template <class T>
double NetworkAccess::train_rows(Network<T>& network, ConstMatrixView<T> x, const Targets<T>& y,
                                 std::span<const T> sample_weight, std::span<const std::uint32_t> rows,
                                 const Loss& loss, OptimizerRef optimizer, const GradientOptions& options,
                                 const pass::Division<T>& division) {
  auto& impl = network.checked_impl();
  return impl.batch_pass.train(impl.model, {x, y, sample_weight, rows}, loss, {true, {}, optimizer, options, division});
}
template <class T>
void NetworkAccess::row_terms(const Network<T>& network, ConstMatrixView<T> x, const Targets<T>& y,
                              std::span<const T> sample_weight, const Loss& loss, const model::RowMean& mean,
                              std::span<double> terms) {
  const auto& impl = network.checked_impl();
  impl.lease_evaluation()->row_terms(impl.model, {x, y, sample_weight, std::nullopt}, loss, mean, terms);
}
template <class T>
const PerLayer<Initializer>& NetworkAccess::initializers(const Network<T>& network) {
  return network.checked_impl().init;
}
template <class T>
void NetworkAccess::set_initializers(Network<T>& network, PerLayer<Initializer> initializers) {
  network.checked_impl().init = std::move(initializers);
}
template <class T>
void NetworkAccess::remove_dropout(Network<T>& network) {
  for (LayerSpec& layer : network.checked_impl().model.layers) {
    layer.dropout = 0.0;
  }
}
template <class T>
void NetworkAccess::set_dropout_scale(Network<T>& network, double scale) {
  auto& model = network.checked_impl().model;
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    if (const double p = model.layers[i].dropout * scale; !contains(Range::from_0_below_1, p)) {
      refuse(Range::from_0_below_1, "dropout_schedule", "dropout of layer " + std::to_string(i + 1), p);
    }
  }
  model.dropout_scale = scale;
}
template <class T>
void NetworkAccess::set_owner(OptimizerState& state, const Network<T>& network) {
  state.owner.set(network.checked_impl().model.identity.value());
}

#define BACKPASS_INSTANTIATE(T)                                                                                        \
  template void NetworkAccess::check_input(const Network<T>&, const Input<T>&, std::string_view);                      \
  template void NetworkAccess::check_loss(const Network<T>&, const Loss&, std::size_t, const Targets<T>&,              \
                                          std::span<const T>, std::string_view);                                       \
  template void NetworkAccess::check_step(Network<T>&, OptimizerRef);                                                  \
  template double NetworkAccess::train_rows(Network<T>&, ConstMatrixView<T>, const Targets<T>&, std::span<const T>,    \
                                            std::span<const std::uint32_t>, const Loss&, OptimizerRef,                 \
                                            const GradientOptions&, const pass::Division<T>&);                         \
  template void NetworkAccess::row_terms(const Network<T>&, ConstMatrixView<T>, const Targets<T>&, std::span<const T>, \
                                         const Loss&, const model::RowMean&, std::span<double>);                       \
  template const PerLayer<Initializer>& NetworkAccess::initializers(const Network<T>&);                                \
  template void NetworkAccess::set_initializers(Network<T>&, PerLayer<Initializer>);                                   \
  template void NetworkAccess::remove_dropout(Network<T>&);                                                            \
  template void NetworkAccess::set_dropout_scale(Network<T>&, double);                                                 \
  template void NetworkAccess::set_owner(OptimizerState&, const Network<T>&);
BACKPASS_INSTANTIATE(float)
BACKPASS_INSTANTIATE(double)
#undef BACKPASS_INSTANTIATE

template BACKPASS_EXPORT Network<float> Network<float>::converted() const;
template BACKPASS_EXPORT Network<double> Network<float>::converted() const;
template BACKPASS_EXPORT Network<float> Network<double>::converted() const;
template BACKPASS_EXPORT Network<double> Network<double>::converted() const;
template class Network<float>;
template class Network<double>;
template class Layer<float>;
template class Layer<double>;
template class Workspace<float>;
template class Workspace<double>;

}  // namespace backpass
