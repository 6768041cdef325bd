/// \file optimizer.hpp
/// Optimizers with PyTorch's definitions and defaults. They work on flat arrays of parameters and gradients and do not
/// depend on layers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <backpass/compiler.hpp>
#include <backpass/field.hpp>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wfloat-equal"  // the exact comparison of settings is intended

namespace backpass {

/// A range of parameters with a common factor for the learning rate. A network has one group per layer.
struct ParameterGroup {
  std::size_t offset = 0;      ///< index of the first parameter
  std::size_t size = 0;        ///< number of parameters
  double lr_scale = 1.0;       ///< factor for the learning rate
  bool trainable = true;       ///< false: a step changes neither the parameters nor the state of this group
  std::size_t num_biases = 0;  ///< the last parameters of the group, at most size, are biases
  double bias_lr_scale = 1.0;  ///< the learning rate of biases is lr · lr_scale · bias_lr_scale
};

/// The network that an optimizer's state belongs to. A copy does not belong to a network.
class NetworkOwner {
 public:
  NetworkOwner() = default;
  NetworkOwner(const NetworkOwner& /*other*/) noexcept {}
  NetworkOwner(NetworkOwner&& other) noexcept : id_(other.id_) {}
  NetworkOwner& operator=(const NetworkOwner& /*other*/) noexcept {
    id_ = 0;
    return *this;
  }
  NetworkOwner& operator=(NetworkOwner&& other) noexcept {
    id_ = other.id_;
    return *this;
  }
  ~NetworkOwner() = default;
  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }  ///< 0: no network
  void set(std::uint64_t id) noexcept { id_ = id; }

 private:
  std::uint64_t id_ = 0;
};

/// The state of an optimizer between steps. It is empty before the first step.
///
/// The first step binds the state to the number and type of the parameters and to the network. A step of another
/// network then throws StateError until reset(). A copy of an optimizer (or of its state) belongs to the network that
/// takes its next step. An optimizer from a checkpoint belongs to the network of that checkpoint. A network remains the
/// same network when it is moved, and when another network is copied to it by assignment.
///
/// Hyperparameters may change between steps. If a change needs another slot (momentum, centered, amsgrad), the slot is
/// added and starts as on a first step.
struct OptimizerState {
  struct Group {
    std::int64_t step = 0;  ///< number of steps of this group; steps while it is frozen do not count
    double memory = 1.0;    ///< a number whose name and meaning the optimizer states (group_memory)
    friend bool operator==(const Group&, const Group&) = default;
  };
  std::vector<std::vector<float>> slots_f32;  ///< e.g. moments; each slot has one element per parameter
  std::vector<std::vector<double>> slots_f64;
  std::vector<Group> groups;  ///< one per ParameterGroup
  NetworkOwner owner;

  [[nodiscard]] bool empty() const noexcept { return groups.empty(); }
  void reset() noexcept { *this = {}; }
  /// The slots of type T.
  template <class T>
  [[nodiscard]] std::vector<std::vector<T>>& arrays() noexcept {
    static_assert(is_real<T>, "T must be float or double");
    if constexpr (std::is_same_v<T, float>) {
      return slots_f32;
    } else {
      return slots_f64;
    }
  }
};

/// The meanings of settings that several optimizers have.
namespace meaning {
inline constexpr const char* lr = "Learning rate.";
inline constexpr const char* betas = "Decays of the running means of the gradient and of its square.";
inline constexpr const char* eps = "Added to the square root in the denominator.";
inline constexpr const char* amsgrad =
    "Whether to divide by the largest second moment so far (Reddi, Kale and Kumar 2018).";
inline constexpr const char* weight_decay = "Adds weight_decay/2 Σ p² to the loss.";
inline constexpr const char* decoupled_weight_decay = "Every step multiplies the parameters by 1 − lr weight_decay.";
}  // namespace meaning

struct SGD {
  static constexpr std::string_view name = "SGD";
  static constexpr const char* definition =
      "Stochastic gradient descent with momentum (Sutskever et al. 2013), as torch.optim.SGD.\n\n"
      "g += weight_decay p; buf = momentum buf + (1 − dampening) g (first step: buf = g);\n"
      "p −= lr buf, with `nesterov` p −= lr (g + momentum buf).";
  /// PyTorch's names of the arrays in the state, in the order of the slots.
  static constexpr const char* slot_names[] = {"momentum_buffer"};
  double lr = 1e-3;
  double momentum = 0.0;
  double dampening = 0.0;
  bool nesterov = false;
  double weight_decay = 0.0;
  OptimizerState state{};

  static constexpr auto fields() {
    return std::tuple{Field{"lr", &SGD::lr, Range::non_negative, meaning::lr},
                      Field{"momentum", &SGD::momentum, Range::non_negative},
                      Field{"dampening", &SGD::dampening, Range::finite},
                      Field{"nesterov", &SGD::nesterov, Range::any, "Requires a momentum above 0 and no dampening."},
                      Field{"weight_decay", &SGD::weight_decay, Range::non_negative, meaning::weight_decay}};
  }
};

struct RMSprop {
  static constexpr std::string_view name = "RMSprop";
  static constexpr const char* definition = "RMSprop (Tieleman and Hinton 2012), as torch.optim.RMSprop.";
  static constexpr const char* slot_names[] = {"square_avg", "momentum_buffer", "grad_avg"};
  double lr = 1e-2;
  double alpha = 0.99;
  double eps = 1e-8;
  double weight_decay = 0.0;
  double momentum = 0.0;
  bool centered = false;
  OptimizerState state{};

  static constexpr auto fields() {
    return std::tuple{
        Field{"lr", &RMSprop::lr, Range::non_negative, meaning::lr},
        Field{"alpha", &RMSprop::alpha, Range::from_0_to_1, "Decay of the running mean of squared gradients."},
        Field{"eps", &RMSprop::eps, Range::non_negative, meaning::eps},
        Field{"weight_decay", &RMSprop::weight_decay, Range::non_negative, meaning::weight_decay},
        Field{"momentum", &RMSprop::momentum, Range::non_negative},
        Field{"centered", &RMSprop::centered, Range::any,
              "Whether to divide by an estimate of the standard deviation instead of the root of the second moment."}};
  }
};

struct Adagrad {
  static constexpr std::string_view name = "Adagrad";
  static constexpr const char* definition = "Adagrad (Duchi, Hazan and Singer 2011), as torch.optim.Adagrad.";
  static constexpr const char* slot_names[] = {"sum"};
  double lr = 1e-2;
  double lr_decay = 0.0;
  double weight_decay = 0.0;
  double initial_accumulator_value = 0.0;
  double eps = 1e-10;
  OptimizerState state{};

  static constexpr auto fields() {
    return std::tuple{Field{"lr", &Adagrad::lr, Range::non_negative, meaning::lr},
                      Field{"lr_decay", &Adagrad::lr_decay, Range::non_negative,
                            "The rate of step t = 0, 1, … is lr / (1 + t lr_decay)."},
                      Field{"weight_decay", &Adagrad::weight_decay, Range::non_negative, meaning::weight_decay},
                      Field{"initial_accumulator_value", &Adagrad::initial_accumulator_value, Range::non_negative,
                            "Initial value of the sum of squared gradients."},
                      Field{"eps", &Adagrad::eps, Range::non_negative, meaning::eps}};
  }
};

struct Adam {
  static constexpr std::string_view name = "Adam";
  static constexpr const char* definition = "Adam (Kingma and Ba 2015), as torch.optim.Adam.";
  static constexpr const char* slot_names[] = {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"};
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.0;
  bool amsgrad = false;
  OptimizerState state{};

  static constexpr auto fields() {
    return std::tuple{Field{"lr", &Adam::lr, Range::non_negative, meaning::lr},
                      FieldPair{"betas", Field{"beta1", &Adam::beta1, Range::from_0_below_1},
                                Field{"beta2", &Adam::beta2, Range::from_0_below_1}, meaning::betas},
                      Field{"eps", &Adam::eps, Range::non_negative, meaning::eps},
                      Field{"weight_decay", &Adam::weight_decay, Range::non_negative,
                            "Adds weight_decay/2 Σ p² to the loss. In AdamW, weight decay is not part of the loss."},
                      Field{"amsgrad", &Adam::amsgrad, Range::any, meaning::amsgrad}};
  }
};

struct AdamW {
  static constexpr std::string_view name = "AdamW";
  static constexpr const char* definition =
      "Adam with decoupled weight decay (Loshchilov and Hutter 2019), as torch.optim.AdamW.";
  static constexpr const char* slot_names[] = {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"};
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 1e-2;
  bool amsgrad = false;
  OptimizerState state{};

  static constexpr auto fields() {
    return std::tuple{Field{"lr", &AdamW::lr, Range::non_negative, meaning::lr},
                      FieldPair{"betas", Field{"beta1", &AdamW::beta1, Range::from_0_below_1},
                                Field{"beta2", &AdamW::beta2, Range::from_0_below_1}, meaning::betas},
                      Field{"eps", &AdamW::eps, Range::non_negative, meaning::eps},
                      Field{"weight_decay", &AdamW::weight_decay, Range::non_negative, meaning::decoupled_weight_decay},
                      Field{"amsgrad", &AdamW::amsgrad, Range::any, meaning::amsgrad}};
  }
};

struct NAdam {
  static constexpr std::string_view name = "NAdam";
  static constexpr const char* definition = "Adam with Nesterov momentum (Dozat 2016), as torch.optim.NAdam.";
  static constexpr const char* slot_names[] = {"exp_avg", "exp_avg_sq"};
  /// OptimizerState::Group::memory, with PyTorch's name: the running product of momenta μ_1 ⋯ μ_t.
  static constexpr const char* group_memory = "mu_product";
  double lr = 2e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.0;
  double momentum_decay = 4e-3;
  OptimizerState state{};

  static constexpr auto fields() {
    return std::tuple{Field{"lr", &NAdam::lr, Range::non_negative, meaning::lr},
                      FieldPair{"betas", Field{"beta1", &NAdam::beta1, Range::from_0_below_1},
                                Field{"beta2", &NAdam::beta2, Range::from_0_below_1}, meaning::betas},
                      Field{"eps", &NAdam::eps, Range::non_negative, meaning::eps},
                      Field{"weight_decay", &NAdam::weight_decay, Range::non_negative, meaning::weight_decay},
                      Field{"momentum_decay", &NAdam::momentum_decay, Range::non_negative,
                            "The momentum of step t is β1 (1 − 0.96^(t momentum_decay) / 2)."}};
  }
};

struct Rprop {
  static constexpr std::string_view name = "Rprop";
  static constexpr const char* definition =
      "Resilient backpropagation (Riedmiller and Braun 1993), as torch.optim.Rprop. Use full batches.";
  static constexpr const char* slot_names[] = {"prev", "step_size"};
  double lr = 1e-2;
  double eta_minus = 0.5;
  double eta_plus = 1.2;
  double step_min = 1e-6;
  double step_max = 50.0;
  OptimizerState state{};

  static constexpr auto fields() {
    return std::tuple{
        Field{"lr", &Rprop::lr, Range::non_negative,
              "Step size of every parameter in the first step. Later steps do not use it."},
        FieldPair{
            "etas", Field{"eta_minus", &Rprop::eta_minus, Range::between_0_and_1},
            Field{"eta_plus", &Rprop::eta_plus, Range::above_one},
            "Factors on the step size: for a gradient that changed its sign, and for a gradient with the same sign."},
        FieldPair{"step_sizes", Field{"step_min", &Rprop::step_min, Range::non_negative},
                  Field{"step_max", &Rprop::step_max, Range::non_negative}, "Smallest and largest step size."}};
  }
};

struct Lion {
  static constexpr std::string_view name = "Lion";
  static constexpr const char* definition =
      "Lion (Chen et al. 2023, \"Symbolic discovery of optimization algorithms\").\n\n"
      "p −= lr (sign(β1 m + (1 − β1) g) + weight_decay p); m = β2 m + (1 − β2) g. PyTorch does not have Lion.";
  static constexpr const char* slot_names[] = {"exp_avg"};
  double lr = 1e-4;
  double beta1 = 0.9;
  double beta2 = 0.99;
  double weight_decay = 0.0;
  OptimizerState state{};

  static constexpr auto fields() {
    return std::tuple{Field{"lr", &Lion::lr, Range::non_negative, meaning::lr},
                      FieldPair{"betas", Field{"beta1", &Lion::beta1, Range::from_0_below_1},
                                Field{"beta2", &Lion::beta2, Range::from_0_below_1},
                                "β1, the weight of the running mean m in the step, and β2, the decay of m."},
                      Field{"weight_decay", &Lion::weight_decay, Range::non_negative, meaning::decoupled_weight_decay}};
  }
};

using Optimizer = std::variant<SGD, RMSprop, Adagrad, Adam, AdamW, NAdam, Rprop, Lion>;

/// A reference to any optimizer or to the Optimizer variant. Functions that update parameters take this type.
class OptimizerRef {
  template <class... O>
  static std::variant<O*...> pointer_to(const std::variant<O...>&);

 public:
  using Pointer = decltype(pointer_to(std::declval<Optimizer>()));
  template <class O>
    requires(std::is_constructible_v<Pointer, std::in_place_type_t<O*>>)
  OptimizerRef(O& optimizer) noexcept : pointer_(&optimizer) {}  // NOLINT(google-explicit-constructor)
  OptimizerRef(Optimizer& optimizer) noexcept                    // NOLINT(google-explicit-constructor)
      : pointer_(std::visit([](auto& o) { return Pointer(&o); }, optimizer)) {}

  template <class F>
  decltype(auto) visit(F&& f) const {
    return std::visit([&](auto* o) -> decltype(auto) { return f(*o); }, pointer_);
  }
  [[nodiscard]] double lr() const noexcept {
    return visit([](const auto& o) { return o.lr; });
  }
  void set_lr(double lr) const noexcept {
    visit([&](auto& o) { o.lr = lr; });
  }
  /// The optimizer's weight decay, or null if the optimizer has none.
  [[nodiscard]] double* weight_decay() const noexcept {
    return visit([](auto& o) -> double* {
      if constexpr (requires { o.weight_decay; }) {
        return &o.weight_decay;
      } else {
        return nullptr;
      }
    });
  }
  [[nodiscard]] OptimizerState& state() const noexcept {
    return visit([](auto& o) -> OptimizerState& { return o.state; });
  }
  [[nodiscard]] std::string_view name() const noexcept {
    return visit([](const auto& o) { return std::remove_cvref_t<decltype(o)>::name; });
  }

 private:
  Pointer pointer_;
};

/// The optimizer of this name, in lower case ("adamw") or as in C++ ("AdamW"), with default hyperparameters.
/// \throws std::invalid_argument for an unknown name; the message lists the known names
[[nodiscard]] BACKPASS_EXPORT Optimizer optimizer_from_name(std::string_view name);
/// The names in lower case.
[[nodiscard]] BACKPASS_EXPORT std::vector<std::string> optimizer_names();

/// \throws std::invalid_argument if a hyperparameter is out of range
BACKPASS_EXPORT void validate(OptimizerRef optimizer);
/// The optimizer's name for OptimizerState::Group::memory; null if the optimizer does not use it.
template <class O>
[[nodiscard]] constexpr const char* group_memory_name() noexcept {
  if constexpr (requires { O::group_memory; }) {
    return O::group_memory;
  } else {
    return nullptr;
  }
}
/// The number of slots that the next step needs with the present hyperparameters.
[[nodiscard]] BACKPASS_EXPORT std::size_t num_slots(OptimizerRef optimizer);

/// Takes one step: changes the parameters and the optimizer's state, but not the gradients.
/// \param parameters  (number of parameters)
/// \param gradients   (number of parameters)
/// \param groups      disjoint, in ascending order. Parameters outside all groups do not change. Empty: one group with
///                    all parameters
/// \throws std::invalid_argument if a hyperparameter is out of range; nothing has changed then
/// \throws ShapeError if the state belongs to another number, type or grouping of parameters; nothing has changed then
template <class T>
BACKPASS_EXPORT void apply_optimizer(OptimizerRef optimizer, std::span<T> parameters, std::span<const T> gradients,
                                     std::span<const ParameterGroup> groups = {});
template <class T>
  requires(!is_real<T>)
void apply_optimizer(OptimizerRef, std::span<T>, std::span<const T>, std::span<const ParameterGroup> = {}) {
  static_assert(is_real<T>, "T must be float or double");
}

extern template void apply_optimizer(OptimizerRef, std::span<float>, std::span<const float>,
                                     std::span<const ParameterGroup>);
extern template void apply_optimizer(OptimizerRef, std::span<double>, std::span<const double>,
                                     std::span<const ParameterGroup>);

/// Changes of the gradients before a step, in this order: penalties, clip_norm, clip_value. All values are finite and
/// ≥ 0; 0 means off.
struct GradientOptions {
  static constexpr std::string_view name = "gradient options";
  double l1 = 0.0;          ///< adds the gradient of l1 Σ|w| over all weights w, not biases
  double l2 = 0.0;          ///< adds the gradient of l2/2 Σ w² over all weights; for SGD the same as their weight_decay
  double clip_norm = 0.0;   ///< > 0: scales all gradients so that their global 2-norm is at most clip_norm
  double clip_value = 0.0;  ///< > 0: limits each gradient to [−clip_value, clip_value]
  [[nodiscard]] bool any() const noexcept { return l1 != 0 || l2 != 0 || clip_norm > 0 || clip_value > 0; }

  static constexpr auto fields() {
    return std::tuple{Field{"l1", &GradientOptions::l1, Range::non_negative},
                      Field{"l2", &GradientOptions::l2, Range::non_negative},
                      Field{"clip_norm", &GradientOptions::clip_norm, Range::non_negative},
                      Field{"clip_value", &GradientOptions::clip_value, Range::non_negative}};
  }
};

}  // namespace backpass

#pragma GCC diagnostic pop
