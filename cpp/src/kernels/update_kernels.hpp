/// The optimizers' update kernels, a part of the kernel table. Plain data only, see kernel_table.hpp.
///
/// A kernel updates n parameters and their state in one pass. cpp/src/optim/<optimizer>.hpp states the equations and
/// computes the coefficients in double, once per step and parameter group.
#pragma once

#include <stddef.h>

namespace backpass::kernels {

inline constexpr int kMaxUpdateSlots = 3;

/// The arrays that a kernel reads and writes, n elements each.
template <class T>
struct UpdateSpan {
  ptrdiff_t n;
  const T* g;                ///< gradient
  T* p;                      ///< parameters
  T* slot[kMaxUpdateSlots];  ///< the optimizer's state; slots that the kernel does not use may be null
};

/// x' = β x + complement · y with β = hi + lo. A running average depends on 1 − β. A float holds β = 0.999 with an
/// error of up to 3e-8, which is 3e-5 of 1 − β. With `lo`, only the rounding errors of the average itself remain.
template <class T>
struct Decay {
  T hi, lo;
  T complement;
};

/// slot 0: momentum buffer, if has_momentum.
template <class T>
struct SgdUpdate {
  T lr, weight_decay;
  Decay<T> decay;  ///< of the buffer; β = 0, complement = 1 on a group's first step
  T nesterov;      ///< the momentum in p −= lr (g + momentum buf)
  bool has_momentum, has_nesterov;
};

/// slots: 0 mean of g², 1 momentum buffer (if has_momentum), 2 mean of g (if centered).
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

/// slots: 0 m, 1 v, 2 the largest v so far (if amsgrad).
template <class T>
struct AdamUpdate {
  T step;  ///< p −= step m / (√v + eps) + shrink p
  T eps;
  T weight_decay;  ///< g += weight_decay p
  T shrink;        ///< decoupled weight decay
  Decay<T> beta1, beta2;
  bool amsgrad;
};

/// slots: 0 m, 1 v.
template <class T>
struct NadamUpdate {
  T gradient_step, moment_step;  ///< p −= (gradient_step g + moment_step m) / (√v + eps)
  T eps, weight_decay;
  Decay<T> beta1, beta2;
};

/// slots: 0 previous gradient, 1 step sizes.
template <class T>
struct RpropUpdate {
  T eta_minus, eta_plus, step_min, step_max;
  T initial_step;  ///< the step size on a group's first step
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
