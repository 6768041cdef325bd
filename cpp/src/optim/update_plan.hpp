/// One step of an optimizer in three parts: check() validates, advance() does the work that all parameters share, and
/// run() updates a range of parameters on any thread.
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
  /// Uses the active kernel set.
  UpdatePlan() = default;
  /// Uses the given kernels, for tests.
  explicit UpdatePlan(const kernels::KernelTable<T>& kernels) : kernels_(&kernels) {}

  /// \param num_parameters  elements of each slot of the state
  /// \param groups          disjoint and in order; parameters outside all groups stay unchanged
  /// \throws std::invalid_argument if a hyperparameter is out of range, ShapeError if sizes, groups and state disagree
  static void check(OptimizerRef optimizer, std::size_t num_parameters, std::span<const ParameterGroup> groups);

  /// Creates the state on the first step, counts the step, and computes the coefficients of every group. Requires a
  /// check() that passed. The optimizer, the parameters and the gradients must outlive the run() calls. Allocates
  /// nothing once the plan and the state have been used.
  /// \param parameters, gradients  (num_parameters)
  /// \throws std::bad_alloc; the optimizer is then unchanged, and run() must not be called
  void advance(OptimizerRef optimizer, std::span<T> parameters, std::span<const T> gradients,
               std::span<const ParameterGroup> groups);

  /// Calls check(), then advance().
  /// \param parameters, gradients  (num_parameters)
  /// \param groups                 if empty, one group contains all parameters
  void prepare(OptimizerRef optimizer, std::span<T> parameters, std::span<const T> gradients,
               std::span<const ParameterGroup> groups);

  /// Updates parameters [begin, end). Disjoint ranges may run on different threads. The bits do not depend on the
  /// ranges.
  /// \param shared  true if other cores' caches may hold the parameters
  void run(std::size_t begin, std::size_t end, bool shared = false) const noexcept;

 private:
#define BACKPASS_COMMA() ,
#define BACKPASS_ALTERNATIVE(kernel, Coefficients) kernels::Coefficients<T>
  using Coefficients = std::variant<BACKPASS_UPDATES(BACKPASS_ALTERNATIVE, BACKPASS_COMMA)>;
#undef BACKPASS_COMMA
#undef BACKPASS_ALTERNATIVE
  /// A trainable group.
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
