/// The prediction of a single row: the only other forward loop beside LayerPass (docs/architecture.md). Everything that
/// depends on the network alone is found once: the kernels, the addresses of the parameters, and the sizes. Finding
/// them in each call would take longer than the arithmetic of a small network.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/kernel_table.hpp"
#include "model/model.hpp"

namespace backpass::pass {

template <class T>
class RowPlan {
 public:
  explicit RowPlan(const model::Model<T>& model);

  /// Whether this plan was made for the model. A network with custom activations has no plan. A large network has no
  /// plan either, because its products are divided among threads and poll for interrupts.
  [[nodiscard]] bool is_for(const model::Model<T>& model) const noexcept { return memory_ == model.memory.value(); }
  /// out = a^N, with the bits of LayerPass::forward (test OneRowOfEveryActivationHasTheBitsOfABatch).
  /// \param x        (M_0)
  /// \param out      (M_N)
  /// \param buffers  two buffers of the size of the widest layer
  void run(const T* x, T* out, T* const (&buffers)[2]) const noexcept;

 private:
  struct Layer {
    kernels::Index inputs, outputs;
    const T* weight;  ///< Wt (inputs, outputs)
    const T* bias;    ///< (outputs), or null
    /// Null for identity, softmax and log_softmax.
    void (*activate)(kernels::Index n, T parameter, const T* z, T* a);
    T parameter;
    void (*normalise)(kernels::Index n, const T* z, T* a);  ///< softmax or log_softmax, or null
  };
  std::uint64_t memory_ = 0;  ///< Model::memory; 0: no plan
  void (*multiply_row_)(kernels::Index k, kernels::Index n, const T* a, const T* b, const T* bias, T* c);
  std::vector<Layer> layers_;
};

}  // namespace backpass::pass
