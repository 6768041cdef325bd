#include "pass/tape.hpp"

#include "model/activate.hpp"

namespace backpass::pass {
namespace {

/// Places matrices one after another in memory. If the memory is null, it only counts the elements.
template <class T>
class Arena {
 public:
  explicit Arena(T* memory) noexcept : memory_(memory) {}
  MatrixView<T> place(std::size_t rows, std::size_t cols) noexcept {
    const std::size_t stride = row_stride<T>(cols);
    T* const data = memory_ == nullptr ? nullptr : memory_ + used_;
    constexpr std::size_t kLine = kAlignment / sizeof(T);
    used_ += (rows * stride + kLine - 1) / kLine * kLine;
    return {data, rows, cols, stride};
  }
  [[nodiscard]] std::size_t used() const noexcept { return used_; }

 private:
  T* memory_;
  std::size_t used_ = 0;
};

}  // namespace

template <class T>
Tape<T>::Tape(const model::Model<T>& model, std::size_t rows, Keep keep) : rows_(rows), layers_(model.layers.size()) {
  const auto place_all = [&](T* memory) {
    Arena<T> arena(memory);
    input_ = arena.place(rows, model.sizes.front());
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const LayerSpec& layer = model.layers[i];
      Layer& matrices = layers_[i];
      matrices.a = arena.place(rows, layer.outputs);
      const bool keeps_z =
          keep == Keep::everything || model::stored_for(layer.activation) == kernels::Stored::preactivation;
      matrices.z = keeps_z ? arena.place(rows, layer.outputs) : matrices.a;
      matrices.dropped = layer.dropout > 0.0 ? arena.place(rows, layer.outputs) : matrices.a;
      matrices.xi = arena.place(rows, layer.outputs);
    }
    return arena.used();
  };
  memory_ = AlignedBuffer<T>(place_all(nullptr), Unwritten{});
  place_all(memory_.data());
}

template class Tape<float>;
template class Tape<double>;

}  // namespace backpass::pass
