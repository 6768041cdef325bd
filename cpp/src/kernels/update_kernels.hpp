/// The optimizers' update kernels, part of the kernel table. Plain data only, see kernel_table.hpp.
///
/// A kernel updates n parameters and their state in one pass. Its coefficients are worked out once a step and group, in
/// double (cpp/src/optim/<optimizer>.hpp, where the equations come from).
#pragma once

#include <stddef.h>

namespace backpass::kernels {

inline constexpr int kMaxUpdateSlots = 3;

/// What a kernel reads and writes: n elements of each.
template <class T>
struct UpdateSpan {
  ptrdiff_t n;
  const T* g;                ///< gradient
  T* p;                      ///< parameters
  T* slot[kMaxUpdateSlots];  ///< the optimizer's state; a kernel touches those it names, others may be null
};

/// x' = β x + complement · y, with β = hi + lo. A float cannot hold 0.999 to better than 3e-8, which is 3e-5 of the
/// 1 − 0.999 that a running average depends on; with the remainder the average is as good as its arithmetic.
template <class T>
struct Decay {
  T hi, lo;
  T complement;
};

/// slot 0: momentum buffer, when momentum.
template <class T>
struct SgdUpdate {
  T lr, weight_decay;
  Decay<T> decay;  ///< of the buffer; 0 and 1 on a group's first step
  T nesterov;      ///< momentum, for p −= lr (g + momentum buf)
  bool has_momentum, has_nesterov;
};

/// slots: mean of g², momentum buffer, mean of g; the last two when there is momentum, or centered.
template <class T>
struct RmspropUpdate {
  T lr, weight_decay, eps;
  Decay<T> alpha;
  Decay<T> momentum;
  bool has_momentum, centered;
};

/// slot 0: sum of g².
template <class T>
struct AdagradUpdate {
  T lr, weight_decay, eps;
};

/// slots: m, v, and with amsgrad the largest v.
template <class T>
struct AdamUpdate {
  T step;  ///< p −= step m / (√v + eps) …
  T eps;
  T weight_decay;  ///< g += weight_decay p
  T shrink;        ///< … + shrink p: decoupled weight decay
  Decay<T> beta1, beta2;
  bool amsgrad;
};

/// slots: m, v.
template <class T>
struct NadamUpdate {
  T gradient_step, moment_step;  ///< p −= (gradient_step g + moment_step m) / (√v + eps)
  T eps, weight_decay;
  Decay<T> beta1, beta2;
};

/// slots: previous gradient, step sizes.
template <class T>
struct RpropUpdate {
  T eta_minus, eta_plus, step_min, step_max;
  T initial_step;  ///< where a group's step sizes start, on its first step
  bool first;
};

/// slot 0: m.
template <class T>
struct LionUpdate {
  T lr;
  T shrink;  ///< decoupled weight decay, lr · weight_decay
  Decay<T> beta1, beta2;
};

template <class T>
struct UpdateKernels {
  void (*sgd)(const UpdateSpan<T>& u, const SgdUpdate<T>& c);
  void (*rmsprop)(const UpdateSpan<T>& u, const RmspropUpdate<T>& c);
  void (*adagrad)(const UpdateSpan<T>& u, const AdagradUpdate<T>& c);
  void (*adam)(const UpdateSpan<T>& u, const AdamUpdate<T>& c);
  void (*nadam)(const UpdateSpan<T>& u, const NadamUpdate<T>& c);
  void (*rprop)(const UpdateSpan<T>& u, const RpropUpdate<T>& c);
  void (*lion)(const UpdateSpan<T>& u, const LionUpdate<T>& c);
};

}  // namespace backpass::kernels
