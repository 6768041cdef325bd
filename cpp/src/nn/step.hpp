/// What happens between a gradient and its step: penalties, clipping, the optimizer.
#pragma once

#include <cstddef>
#include <vector>

#include <backpass/optimizer.hpp>

#include "nn/model.hpp"
#include "optim/update_plan.hpp"
#include "runtime/team.hpp"

namespace backpass::nn {

template <class T>
class Step {
 public:
  /// What refuses a step. Nothing has changed yet.
  /// \throws as apply_optimizer does, StateError when the optimizer belongs to another network
  void check(const Model<T>& model, OptimizerRef optimizer);
  /// Counts one step of what check() let pass. \throws std::bad_alloc; nothing has changed then
  void begin(Model<T>& model, OptimizerRef optimizer);
  /// Called by every member of a team, all of which see the finished gradients: penalties and clipping (the gradients
  /// change), then the update.
  void run(const runtime::Member& member, Model<T>& model, const GradientOptions& options);
  /// The update alone, of this member's parameters [begin, end).
  void update(const runtime::Member& member, std::size_t begin, std::size_t end) const noexcept {
    plan_.run(begin, end, member.size() > 1);
  }

 private:
  /// A run of gradients that is summed by one member: the global norm adds up chunks in order.
  struct Chunk {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t layer = 0;
    bool weights = false;
    double squares = 0.0;
  };
  /// Clipping multiplies gradients by both, one after the other.
  struct Factors {
    double first, second;
  };
  void make_chunks(const Model<T>& model);
  /// Called by every member of a team after the chunks' squares are summed: min(1, clip_norm / (norm + 1e-6)), in
  /// parts that are normal numbers; at least 1 when nothing is to be done.
  [[nodiscard]] Factors clip_factors(const runtime::Member& member, double clip_norm, const T* gradients) const;

  optim::UpdatePlan<T> plan_;
  std::vector<ParameterGroup> groups_;
  std::vector<Chunk> chunks_;
};

/// Checks the numbers in options. \throws std::invalid_argument
void check_gradient_options(const GradientOptions& options);

}  // namespace backpass::nn
