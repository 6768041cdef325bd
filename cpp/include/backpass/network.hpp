/// \file network.hpp
/// A plain, fully connected network: forward, backward, step, and the calls that combine them.
///
/// Notation (docs/mathematics.md): z^i = W^i a^{i-1} + b^i, a^i = φ_i(z^i), ξ^i = ∂E/∂z^i.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <backpass/activation.hpp>
#include <backpass/compiler.hpp>
#include <backpass/field.hpp>
#include <backpass/initializer.hpp>
#include <backpass/input.hpp>
#include <backpass/loss.hpp>
#include <backpass/matrix.hpp>
#include <backpass/optimizer.hpp>

namespace backpass {

template <class T>
class Network;
template <class T>
struct FitOptions;
template <class T>
class RowSource;
struct History;
struct SaveOptions;
struct NetworkAccess;  // internal access for the library

/// One value for all layers, or a list with one entry per layer.
template <class V>
class PerLayer {
 public:
  PerLayer(V value) : values_{std::move(value)} {}                              // NOLINT(google-explicit-constructor)
  PerLayer(std::vector<V> values) : values_(std::move(values)), list_(true) {}  // NOLINT(google-explicit-constructor)
  PerLayer(std::initializer_list<V> values) : values_(values), list_(true) {}
  [[nodiscard]] bool is_list() const noexcept { return list_; }
  [[nodiscard]] const std::vector<V>& values() const noexcept { return values_; }
  /// The value of entry i. \throws std::out_of_range if this is a list and i is not less than its length
  [[nodiscard]] V operator[](std::size_t i) const {
    if (list_ && i >= values_.size()) {
      throw std::out_of_range("entry " + std::to_string(i) + " is out of range: the list has " +
                              std::to_string(values_.size()) + " entries");
    }
    return values_[list_ ? i : 0];
  }

 private:
  std::vector<V> values_;
  bool list_ = false;
};

struct NetworkOptions {
  std::vector<std::size_t> sizes;                        ///< M_0, …, M_N; at least two entries, each ≥ 1
  PerLayer<Activation> activation = Activation::relu();  ///< of the hidden layers, or a list with N entries
  std::optional<Activation> output = {};                 ///< of layer N, default identity; not with an activation list
  PerLayer<bool> bias = true;                            ///< whether layers have a bias, or a list with N entries
  PerLayer<double> dropout = 0.0;                        ///< of hidden layers, in [0, 1), or a list with N − 1 entries
  PerLayer<Initializer> init = Initializer{};            ///< of the weights, or a list with N entries
  std::optional<std::uint64_t> seed = {};                ///< of weights and dropout; default: a random seed
};

/// The description of a layer, without its parameters.
struct LayerSpec {
  std::size_t inputs = 0;   ///< M_{i-1}
  std::size_t outputs = 0;  ///< M_i
  Activation activation;
  bool bias = true;
  double dropout = 0.0;        ///< dropout rate of this layer's activations, in [0, 1)
  bool trainable = true;       ///< false: step() does not change the layer
  double lr_scale = 1.0;       ///< factor for the optimizer's learning rate
  double bias_lr_scale = 1.0;  ///< additional factor for the bias: its rate is lr · lr_scale · bias_lr_scale
  std::size_t offset = 0;      ///< index of its first weight in Network::parameters(): Wt (M_{i-1}, M_i), then b (M_i)
  [[nodiscard]] std::size_t num_weights() const noexcept { return inputs * outputs; }
  [[nodiscard]] std::size_t num_parameters() const noexcept { return num_weights() + (bias ? outputs : 0); }

  static constexpr std::string_view name = "layer";
  /// The settings other than the sizes and the activation.
  static constexpr auto fields() {
    return std::tuple{Field{"bias", &LayerSpec::bias}, Field{"dropout", &LayerSpec::dropout, Range::from_0_below_1},
                      Field{"trainable", &LayerSpec::trainable},
                      Field{"lr_scale", &LayerSpec::lr_scale, Range::non_negative},
                      Field{"bias_lr_scale", &LayerSpec::bias_lr_scale, Range::non_negative, "", true}};
  }
};

/// A view of one layer. The mathematics counts layers from 1, Network::layer() from 0. A view is valid while its
/// network exists. The noexcept members of the view of a network that was moved from are empty; the others throw.
template <class T>
class BACKPASS_EXPORT Layer {
  static_assert(is_real<T>, "T must be float or double");

 public:
  [[nodiscard]] const LayerSpec& spec() const noexcept;
  /// (W^i)ᵀ of shape (M_{i-1}, M_i), as it is stored. Element (j, k) is w^i_kj.
  [[nodiscard]] MatrixView<T> weight_transposed() const noexcept;
  /// w^i_kj: the weight from neuron j of layer i − 1 to neuron k of layer i.
  [[nodiscard]] T& weight(std::size_t k, std::size_t j) const noexcept { return weight_transposed()(j, k); }
  [[nodiscard]] std::span<T> bias() const noexcept;  ///< b^i (M_i), or empty if the layer has no bias
  /// (∂E/∂W^i)ᵀ of shape (M_{i-1}, M_i). Element (j, k) is ∂E/∂w^i_kj.
  [[nodiscard]] MatrixView<T> weight_grad_transposed() const noexcept;
  /// ∂E/∂w^i_kj.
  [[nodiscard]] T& weight_grad(std::size_t k, std::size_t j) const noexcept { return weight_grad_transposed()(j, k); }
  [[nodiscard]] std::span<T> bias_grad() const noexcept;  ///< ∂E/∂b^i (M_i), or empty if the layer has no bias
  /// z^i of the last forward(), (B, M_i). \throws StateError before the first forward()
  [[nodiscard]] ConstMatrixView<T> z() const;
  /// a^i = φ(z^i) of the last forward(), before dropout, (B, M_i). \throws StateError before the first forward()
  [[nodiscard]] ConstMatrixView<T> a() const;
  /// ξ^i of the backward() that followed the last forward(), (B, M_i). \throws StateError before that backward()
  [[nodiscard]] ConstMatrixView<T> xi() const;
  /// \throws StateError if the network was moved from
  void set_trainable(bool trainable) const;
  /// \throws std::invalid_argument unless lr_scale is finite and ≥ 0; StateError if the network was moved from
  void set_lr_scale(double lr_scale) const;
  /// \throws as set_lr_scale()
  void set_bias_lr_scale(double bias_lr_scale) const;

 private:
  friend class Network<T>;
  Layer(Network<T>* network, std::size_t index) noexcept : network_(network), index_(index) {}
  Network<T>* network_;
  std::size_t index_;
};

/// Scratch memory for Network::predict(), to be reused for many calls. Calls with the same workspace must not overlap.
template <class T>
class BACKPASS_EXPORT Workspace {
  static_assert(is_real<T>, "T must be float or double");

 public:
  Workspace(Workspace&&) noexcept;
  Workspace& operator=(Workspace&&) noexcept;
  ~Workspace();
  [[nodiscard]] std::size_t max_batch() const noexcept;  ///< rows; 0 if the workspace was moved from

 private:
  friend class Network<T>;
  struct Impl;
  explicit Workspace(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

/// A network of float or double.
///
/// A network can be moved and copied. A copy has the same parameters, gradients and settings, but not the activations
/// of the last forward(). Const member functions may be called by several threads at the same time. A call of another
/// member function must not overlap with any other call.
///
/// Shapes: x is (B, M_0), outputs are (B, M_N), y is (B, M_N) or labels (B), sample_weight is (B) or empty. B may be 0,
/// except for a loss. Unless stated otherwise, a call throws ShapeError for a wrong shape, and nothing has changed
/// then.
///
/// A network that was moved from has no layers and no parameters until another network is assigned to it. Its noexcept
/// accessors return empty views or 0. All other calls throw StateError.
template <class T>
class BACKPASS_EXPORT Network {
  static_assert(is_real<T>, "T must be float or double");

 public:
  /// \throws std::invalid_argument if an option is invalid or if the options contradict each other
  explicit Network(const NetworkOptions& options);
  Network(const Network& other);
  Network& operator=(const Network& other);
  Network(Network&&) noexcept;
  Network& operator=(Network&&) noexcept;
  ~Network();
  [[nodiscard]] Network copy() const { return *this; }
  /// A copy with numbers of type U, float or double.
  template <class U>
  [[nodiscard]] Network<U> converted() const;

  // ---- structure
  [[nodiscard]] std::span<const std::size_t> sizes() const noexcept;  ///< M_0, …, M_N
  [[nodiscard]] std::size_t num_layers() const noexcept;              ///< N
  [[nodiscard]] std::size_t num_parameters() const noexcept;
  [[nodiscard]] const LayerSpec& spec(std::size_t i) const;  ///< \throws std::out_of_range
  [[nodiscard]] Layer<T> layer(std::size_t i);               ///< \throws std::out_of_range
  /// A table as text: one line per layer with its shape, activation, number of parameters and their size in bytes, then
  /// the totals.
  [[nodiscard]] std::string summary() const;
  /// The weights and biases of all layers in one flat array (num_parameters), layer by layer: see LayerSpec::offset.
  /// The address changes only if another network is assigned to this one.
  [[nodiscard]] std::span<T> parameters() noexcept;
  [[nodiscard]] std::span<const T> parameters() const noexcept;
  /// The gradients of all parameters, with the layout of parameters().
  [[nodiscard]] std::span<T> gradients() noexcept;
  [[nodiscard]] std::span<const T> gradients() const noexcept;
  /// Draws all weights from a new seed, by the initializers of the network's options, and sets the biases to zero. The
  /// dropout state becomes {seed, 0}.
  void initialize(std::uint64_t seed);
  /// The state of dropout. Files contain it.
  struct DropoutState {
    std::uint64_t seed = 0;
    std::uint64_t pass = 0;  ///< number of training passes with this seed
  };
  [[nodiscard]] DropoutState dropout_state() const noexcept;
  void set_dropout_state(DropoutState state);
  /// The owner of the memory behind Layer::z(), a() and xi(). Keep it to keep these views valid: a later forward() with
  /// more rows allocates new memory.
  [[nodiscard]] std::shared_ptr<const void> activation_memory() const noexcept;

  // ---- forward, backward, step
  /// Computes and keeps all z^i and a^i.
  /// \param x         (B, M_0)
  /// \param training  true: applies dropout
  /// \returns a^N (B, M_N), a view that is valid until the next call of a non-const member function
  ConstMatrixView<T> forward(const Input<T>& x, bool training = false);
  /// Computes all ξ^i and the gradients for the last forward(), from ∂E/∂a^N of any cost E.
  /// \param grad_output     ∂E/∂a^N, (B, M_N)
  /// \param input_gradient  receives ∂E/∂a^0, (B, M_0); not computed if empty
  /// \param accumulate      true: adds to gradients() instead of replacing them
  /// \throws StateError without a forward() before, or if a step has changed the parameters since then
  void backward(ConstMatrixView<T> grad_output, MatrixView<T> input_gradient = {}, bool accumulate = false);
  /// Updates the parameters by the gradients. Frozen layers do not change.
  /// \param options  penalties and clipping, which change gradients() before the update
  /// \throws std::invalid_argument for an invalid option
  /// \throws StateError if there are no gradients yet, or the optimizer belongs to another network; and as
  ///         apply_optimizer()
  void step(OptimizerRef optimizer, const GradientOptions& options = {});

  // ---- inference
  /// Makes scratch memory for predict() with up to get_num_threads() threads. It is suitable for batches of any size
  /// and fastest for up to max_batch rows.
  ///
  /// Also starts the threads for batches of up to max_batch rows, and waits if another call is using the threads. So
  /// the first predict() neither allocates memory nor starts a thread, unless the number of threads was increased or
  /// the process was forked in between.
  [[nodiscard]] Workspace<T> make_workspace(std::size_t max_batch) const;
  /// out = a^N. The bits of a row do not depend on the other rows.
  ///
  /// Allocates nothing, except for the first x that needs conversion.
  /// \param x            (B, M_0)
  /// \param out          (B, M_N). Must not share memory with x, but both may be different columns of one array
  /// \param num_threads  the largest number of threads; 0: get_num_threads(). Little work uses fewer threads
  /// \throws ShapeError, also if out and x share memory or if the workspace was made for a smaller network
  /// \throws StateError if the workspace was moved from
  ///
  /// Exceptions of a custom activation and of the check of an InterruptScope pass through. Nothing else is thrown,
  /// unless x needs conversion.
  void predict(const Input<T>& x, MatrixView<T> out, Workspace<T>& workspace, int num_threads = 0) const;
  /// The same with a workspace that the network allocates and keeps.
  void predict(const Input<T>& x, MatrixView<T> out, int num_threads = 0) const;

  // ---- training
  /// One training step: forward, backward, step, with dropout.
  /// \param shards  as in loss_and_gradient()
  /// \throws std::invalid_argument as step() and loss_and_gradient(); StateError as step()
  /// \returns E before the update
  double train_step(const Input<T>& x, Targets<T> y, const Loss& loss, OptimizerRef optimizer,
                    std::span<const T> sample_weight = {}, const GradientOptions& options = {}, std::size_t shards = 1);
  /// Computes E and all gradients, with dropout. Parameters do not change. Memory does not grow with B, except for a
  /// CustomLoss.
  /// \param input_gradient  receives ∂E/∂a^0, (B, M_0); not computed if empty
  /// \param shards          S, a power of two, at most 1024. Shard s has the rows ⌊B s / S⌋, …, ⌊B (s+1) / S⌋ − 1. The
  ///                        sums over the rows of each shard are added in one binary tree. So processes that share the
  ///                        shards get the same bits
  /// \throws std::invalid_argument if B is 0, for an invalid label, weight, parameter of the loss or number of shards,
  ///         and for a CustomLoss with several shards
  /// \returns E
  double loss_and_gradient(const Input<T>& x, Targets<T> y, const Loss& loss, std::span<const T> sample_weight = {},
                           MatrixView<T> input_gradient = {}, std::size_t shards = 1);
  /// E, without gradients and without dropout. \throws std::invalid_argument as loss_and_gradient()
  [[nodiscard]] double evaluate(const Input<T>& x, Targets<T> y, const Loss& loss,
                                std::span<const T> sample_weight = {}) const;
  /// Mini-batch training: see trainer.hpp.
  History fit(ConstMatrixView<T> x, Targets<T> y, const Loss& loss, OptimizerRef optimizer,
              const FitOptions<T>& options);
  History fit(RowSource<T>& rows, const Loss& loss, OptimizerRef optimizer, const FitOptions<T>& options);

  // ---- files; see serialize.hpp
  void save(const std::filesystem::path& path) const;
  void save(const std::filesystem::path& path, const SaveOptions& options) const;
  [[nodiscard]] static Network load(const std::filesystem::path& path);

 private:
  friend class Layer<T>;
  friend struct NetworkAccess;
  template <class U>
  friend class Network;  // for converted()
  double custom_loss_and_gradient(const CustomLoss& loss, const Input<T>& x, Targets<T> y,
                                  MatrixView<T> input_gradient);
  struct Impl;
  [[nodiscard]] Impl& checked_impl();  ///< \throws StateError if the network was moved from
  [[nodiscard]] const Impl& checked_impl() const;
  std::unique_ptr<Impl> impl_;
};

extern template class Layer<float>;
extern template class Layer<double>;
extern template class Workspace<float>;
extern template class Workspace<double>;
extern template class Network<float>;
extern template class Network<double>;

}  // namespace backpass
