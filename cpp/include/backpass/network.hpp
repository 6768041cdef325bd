/// \file network.hpp
/// A plain, fully connected network: forward, backward, step, and the calls made of them.
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
#include <utility>
#include <vector>

#include <backpass/activation.hpp>
#include <backpass/compiler.hpp>
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
struct History;
struct SaveOptions;
struct NetworkAccess;  // the library's own way in

/// One value for all layers, or a list with one entry a layer.
template <class V>
class PerLayer {
 public:
  PerLayer(V value) : values_{std::move(value)} {}                              // NOLINT(google-explicit-constructor)
  PerLayer(std::vector<V> values) : values_(std::move(values)), list_(true) {}  // NOLINT(google-explicit-constructor)
  PerLayer(std::initializer_list<V> values) : values_(values), list_(true) {}
  [[nodiscard]] bool is_list() const noexcept { return list_; }
  [[nodiscard]] const std::vector<V>& values() const noexcept { return values_; }
  /// The value of entry i. \throws std::out_of_range for an entry beyond a list's last
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
  PerLayer<Activation> activation = Activation::relu();  ///< of the hidden layers; or a list of N
  std::optional<Activation> output = {};                 ///< of layer N, identity by default; not with a list
  PerLayer<bool> bias = true;                            ///< or a list of N
  PerLayer<double> dropout = 0.0;                        ///< of the hidden activations, in [0, 1); or a list of N − 1
  PerLayer<Initializer> init = Initializer{};            ///< or a list of N
  std::optional<std::uint64_t> seed = {};                ///< none: from the operating system
};

/// What a layer is, without its numbers.
struct LayerSpec {
  std::size_t inputs = 0;   ///< M_{i-1}
  std::size_t outputs = 0;  ///< M_i
  Activation activation;
  bool bias = true;
  double dropout = 0.0;    ///< of this layer's activations
  bool trainable = true;   ///< false: step() leaves it alone
  double lr_scale = 1.0;   ///< factor of the optimizer's learning rate
  std::size_t offset = 0;  ///< of its first weight in Network::parameters(); weights input-major, then biases
  [[nodiscard]] std::size_t num_weights() const noexcept { return inputs * outputs; }
  [[nodiscard]] std::size_t num_parameters() const noexcept { return num_weights() + (bias ? outputs : 0); }
};

/// A light view of layer i (1-based in the mathematics, 0-based here). Valid as long as its network; a view of a
/// network that was moved from is empty.
template <class T>
class BACKPASS_EXPORT Layer {
  static_assert(is_real<T>, "T must be float or double");

 public:
  [[nodiscard]] const LayerSpec& spec() const noexcept;
  /// W^i transposed, (M_{i-1}, M_i): the storage order. Element (j, k) is w^i_kj.
  [[nodiscard]] MatrixView<T> weight_transposed() const noexcept;
  /// w^i_kj, from neuron j of the layer below to neuron k.
  [[nodiscard]] T& weight(std::size_t k, std::size_t j) const noexcept { return weight_transposed()(j, k); }
  [[nodiscard]] std::span<T> bias() const noexcept;  ///< (M_i), or empty
  /// The gradients, in the same shapes.
  [[nodiscard]] MatrixView<T> weight_grad_transposed() const noexcept;
  [[nodiscard]] T& weight_grad(std::size_t k, std::size_t j) const noexcept { return weight_grad_transposed()(j, k); }
  [[nodiscard]] std::span<T> bias_grad() const noexcept;
  /// z^i, a^i = φ(z^i) (before dropout) and ξ^i of the last forward() and backward(), (B, M_i); empty before them.
  [[nodiscard]] ConstMatrixView<T> z() const noexcept;
  [[nodiscard]] ConstMatrixView<T> a() const noexcept;
  [[nodiscard]] ConstMatrixView<T> xi() const noexcept;
  void set_trainable(bool trainable) const;
  void set_lr_scale(double lr_scale) const;  ///< \throws std::invalid_argument unless finite and ≥ 0

 private:
  friend class Network<T>;
  Layer(Network<T>* network, std::size_t index) noexcept : network_(network), index_(index) {}
  Network<T>* network_;
  std::size_t index_;
};

/// Scratch memory for predict: made once, used by one call at a time.
template <class T>
class BACKPASS_EXPORT Workspace {
  static_assert(is_real<T>, "T must be float or double");

 public:
  Workspace(Workspace&&) noexcept;
  Workspace& operator=(Workspace&&) noexcept;
  ~Workspace();
  [[nodiscard]] std::size_t max_batch() const noexcept;  ///< 0 when it was moved from

 private:
  friend class Network<T>;
  struct Impl;
  explicit Workspace(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

/// T is float or double. A network may be moved and copied (a copy takes parameters, gradients and settings, not the
/// last forward's activations). Const members may be called from many threads at once; the others from one at a time.
///
/// Shapes: x is (B, M_0), outputs are (B, M_N); B may be 0.
/// Unless said otherwise every call throws ShapeError for a wrong shape before anything has changed.
/// A network that was moved from has no layers and no parameters until another one is assigned to it. Its accessors
/// that are noexcept return nothing or zero, every other call throws StateError.
template <class T>
class BACKPASS_EXPORT Network {
  static_assert(is_real<T>, "T must be float or double");

 public:
  /// \throws std::invalid_argument when the options contradict each other or themselves
  explicit Network(const NetworkOptions& options);
  Network(const Network& other);
  Network& operator=(const Network& other);
  Network(Network&&) noexcept;
  Network& operator=(Network&&) noexcept;
  ~Network();
  [[nodiscard]] Network copy() const { return *this; }

  // ---- structure
  [[nodiscard]] std::span<const std::size_t> sizes() const noexcept;  ///< M_0, …, M_N
  [[nodiscard]] std::size_t num_layers() const noexcept;              ///< N
  [[nodiscard]] std::size_t num_parameters() const noexcept;
  [[nodiscard]] const LayerSpec& spec(std::size_t i) const;  ///< \throws std::out_of_range
  [[nodiscard]] Layer<T> layer(std::size_t i);               ///< \throws std::out_of_range
  /// A table for people: a line a layer with its shape, activation, and the count and size of its parameters; then
  /// totals.
  [[nodiscard]] std::string summary() const;
  /// All layers' weights and biases in one run, layer by layer; gradients in the same order. Addresses never change.
  [[nodiscard]] std::span<T> parameters() noexcept;
  [[nodiscard]] std::span<const T> parameters() const noexcept;
  [[nodiscard]] std::span<T> gradients() noexcept;
  [[nodiscard]] std::span<const T> gradients() const noexcept;
  /// Draws all parameters anew.
  void initialize(std::uint64_t seed);
  /// The seed of dropout, and how many training passes have drawn from it; files keep both.
  struct DropoutState {
    std::uint64_t seed = 0;
    std::uint64_t pass = 0;
  };
  [[nodiscard]] DropoutState dropout_state() const noexcept;
  void set_dropout_state(DropoutState state);
  /// Keeps the memory behind Layer::z(), a() and xi() alive: a later, larger forward() takes new memory.
  [[nodiscard]] std::shared_ptr<const void> activation_memory() const noexcept;

  // ---- the three moves
  /// Computes and keeps every z^i and a^i. \param training  applies dropout
  /// \returns a^N, a view valid until the next call that is not const
  ConstMatrixView<T> forward(const Input<T>& x, bool training = false);
  /// The ξ recursion over the last forward(), from ∂E/∂a^N of any cost.
  /// \param input_gradient  when not empty, receives ∂E/∂a^0, (B, M_0)
  /// \param accumulate  adds to the gradients instead of replacing them
  /// \throws StateError when no forward() came before
  void backward(ConstMatrixView<T> grad_output, MatrixView<T> input_gradient = {}, bool accumulate = false);
  /// Applies the gradients. Frozen layers stay.
  void step(OptimizerRef optimizer, const GradientOptions& options = {});

  // ---- inference
  /// Scratch for predict() of batches of any size, fastest up to max_batch rows, on up to get_num_threads() threads.
  /// Starts the threads that batches of up to max_batch rows use, and waits for another call that has them. So the
  /// first predict() allocates nothing and starts no thread, unless the number of threads was raised since, or the
  /// process was forked.
  [[nodiscard]] Workspace<T> make_workspace(std::size_t max_batch) const;
  /// out = a^N. Allocates nothing and throws nothing but ShapeError, and StateError for a workspace that was moved
  /// from. (The first x that must be converted takes memory for a block; an InterruptScope throws what its check
  /// throws.) A row's bits do not depend on the rows around it. `out` must not share memory with x: ShapeError. They
  /// may be different columns of one array.
  void predict(const Input<T>& x, MatrixView<T> out, Workspace<T>& workspace, int num_threads = 0) const;
  /// The same with a workspace kept inside the network. \param num_threads  0: as the work asks, up to
  /// get_num_threads()
  void predict(const Input<T>& x, MatrixView<T> out, int num_threads = 0) const;

  // ---- training
  /// forward + backward + step in one go. \returns E before the update
  double train_step(const Input<T>& x, Targets<T> y, const Loss& loss, OptimizerRef optimizer,
                    std::span<const T> sample_weight = {}, const GradientOptions& options = {});
  /// E, and all gradients; no update. Memory does not grow with the number of rows.
  double loss_and_gradient(const Input<T>& x, Targets<T> y, const Loss& loss, std::span<const T> sample_weight = {},
                           MatrixView<T> input_gradient = {});
  /// E alone, without dropout.
  [[nodiscard]] double evaluate(const Input<T>& x, Targets<T> y, const Loss& loss,
                                std::span<const T> sample_weight = {}) const;
  /// Mini-batch training; see trainer.hpp.
  History fit(ConstMatrixView<T> x, Targets<T> y, const Loss& loss, OptimizerRef optimizer,
              const FitOptions<T>& options);

  // ---- files; see serialize.hpp
  void save(const std::filesystem::path& path) const;
  void save(const std::filesystem::path& path, const SaveOptions& options) const;
  [[nodiscard]] static Network load(const std::filesystem::path& path);

 private:
  friend class Layer<T>;
  friend struct NetworkAccess;
  double custom_loss_and_gradient(const CustomLoss& loss, const Input<T>& x, Targets<T> y,
                                  MatrixView<T> input_gradient);
  struct Impl;
  [[nodiscard]] Impl& alive();  ///< \throws StateError when the network was moved from
  [[nodiscard]] const Impl& alive() const;
  std::unique_ptr<Impl> impl_;
};

extern template class Layer<float>;
extern template class Layer<double>;
extern template class Workspace<float>;
extern template class Workspace<double>;
extern template class Network<float>;
extern template class Network<double>;

}  // namespace backpass
