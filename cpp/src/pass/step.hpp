/// Applies a gradient: penalties, clipping, and the optimizer's update.
#pragma once

#include <cstddef>
#include <vector>

#include <backpass/optimizer.hpp>

#include "model/model.hpp"
#include "optim/update_plan.hpp"
#include "runtime/team.hpp"

namespace backpass::pass {

template <class T>
class Step {
 public:
  /// Checks that the optimizer can take a step for this model. Changes neither of them.
  /// \throws as apply_optimizer(), and StateError if the optimizer belongs to another network
  void check(const model::Model<T>& model, OptimizerRef optimizer);
  /// Starts a step after check(): counts it in the optimizer's state.
  /// \throws std::bad_alloc; nothing has changed then
  void begin(model::Model<T>& model, OptimizerRef optimizer);
  /// begin() and run(), for a gradient that is complete. Follows check().
  void apply(model::Model<T>& model, OptimizerRef optimizer, const GradientOptions& options);
  /// Penalties and clipping, which change the gradients, then the update. Every member of a team calls it, after the
  /// gradients are finished.
  void run(const runtime::Member& member, model::Model<T>& model, const GradientOptions& options);
  /// Only the update, for this member's parameters [begin, end).
  void update(const runtime::Member& member, std::size_t begin, std::size_t end) const noexcept {
    plan_.run(begin, end, member.size() > 1);
  }

 private:
  /// A range of gradients of one layer. One member adds the squares of a chunk. The global norm adds the chunks in
  /// order, so its bits do not depend on the team.
  struct Chunk {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t layer = 0;
    bool weights = false;  ///< false: biases
    double squares = 0.0;
  };
  /// Clipping multiplies each gradient by the first and then by the second factor.
  struct Factors {
    double first, second;
  };
  void make_chunks(const model::Model<T>& model);
  /// clip_norm / (norm + 1e-6) as two factors that are normal numbers. If the first one is ≥ 1, nothing is clipped.
  /// Every member of a team calls it after adding the squares of its chunks.
  /// \param gradients  the model's gradients
  [[nodiscard]] Factors clip_factors(const runtime::Member& member, double clip_norm, const T* gradients) const;

  optim::UpdatePlan<T> plan_;
  std::vector<ParameterGroup> groups_;
  std::vector<Chunk> chunks_;
};

}  // namespace backpass::pass
