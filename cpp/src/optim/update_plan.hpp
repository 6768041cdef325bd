/// One step of an optimizer, in parts: check() refuses, advance() does once what is common to all parameters, run()
/// moves them, range by range, on any thread.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <variant>
#include <vector>

#include <backpass/optimizer.hpp>

#include "kernels/kernel_table.hpp"

namespace backpass::optim {

template <class T>
class UpdatePlan {
 public:
  /// With the kernel set in use.
  UpdatePlan() = default;
  /// With the given one, for tests.
  explicit UpdatePlan(const kernels::KernelTable<T>& kernels) : kernels_(&kernels) {}

  /// \param groups  disjoint, in order; parameters outside every group stay
  /// \throws std::invalid_argument for a hyperparameter out of range, ShapeError when sizes, groups and state disagree
  static void check(OptimizerRef optimizer, std::size_t num_parameters, std::span<const ParameterGroup> groups);

  /// For what check() let pass: makes state on the first step, counts the step, and computes every group's
  /// coefficients. The optimizer, the parameters and the gradients must outlive the run() calls. Allocates nothing once
  /// the plan and the state have been used.
  /// \throws std::bad_alloc; the optimizer is unchanged then, and run() must not be called
  void advance(OptimizerRef optimizer, std::span<T> parameters, std::span<const T> gradients,
               std::span<const ParameterGroup> groups);

  /// check(), then advance().
  /// \param groups  empty: one group of everything
  void prepare(OptimizerRef optimizer, std::span<T> parameters, std::span<const T> gradients,
               std::span<const ParameterGroup> groups);

  /// Updates parameters [begin, end). Disjoint ranges may run on different threads; bits do not depend on the split.
  /// \param shared  other cores' caches may hold the parameters
  void run(std::size_t begin, std::size_t end, bool shared = false) const noexcept;

 private:
  using Coefficients =
      std::variant<kernels::SgdUpdate<T>, kernels::RmspropUpdate<T>, kernels::AdagradUpdate<T>, kernels::AdamUpdate<T>,
                   kernels::NadamUpdate<T>, kernels::RpropUpdate<T>, kernels::LionUpdate<T>>;
  /// A group that moves.
  struct Range {
    std::size_t begin, end;
    Coefficients coefficients;
  };

  template <class O>
  void advance_for(O& optimizer, std::size_t num_parameters, std::span<const ParameterGroup> groups);

  const kernels::KernelTable<T>* kernels_ = nullptr;
  std::vector<Range> ranges_;  ///< in order
  T* parameters_ = nullptr;
  const T* gradients_ = nullptr;
  std::array<T*, kernels::kMaxUpdateSlots> slots_{};
};

}  // namespace backpass::optim
