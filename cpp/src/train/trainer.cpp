/// The public functions of trainer.hpp.
#include <backpass/trainer.hpp>

#include <cmath>
#include <exception>
#include <stdexcept>
#include <string>

#include "base/floating_point_mode.hpp"
#include "base/require.hpp"
#include "base/text.hpp"
#include "train/fit.hpp"

namespace backpass {

const std::vector<double>& History::operator[](std::string_view name) const {
  for (const auto& [key, values] : series) {
    if (key == name) {
      return values;
    }
  }
  throw std::out_of_range("history has no series \"" + std::string(name) + "\"");
}

std::size_t validation_rows(std::size_t rows, double validation_split) {
  const std::string text = "validation_split of " + number_text(validation_split);
  require(validation_split >= 0.0 && validation_split < 1.0, text + " is not in [0, 1)");
  // 1e-9 corrects for rounding: 0.29 · 100 rows must give 29, but the product in binary is slightly smaller.
  const auto held_out = static_cast<std::size_t>(std::floor(validation_split * static_cast<double>(rows) + 1e-9));
  require(validation_split == 0.0 || (held_out > 0 && held_out < rows),
          text + " leaves " + std::to_string(held_out) + " of " + std::to_string(rows) + " rows for validation");
  return held_out;
}

namespace {

/// \param source  null, or the rows of the training; x and y then have no rows
template <class T>
History fit_rows(Network<T>& network, ConstMatrixView<T> x, const Targets<T>& y, const Loss& loss,
                 OptimizerRef optimizer, const FitOptions<T>& options, RowSource<T>* source) {
  return in_own_mode([&] {
    train::Group group(options.communicator);
    try {
      return train::Fit<T>(network, x, y, loss, optimizer, options, group, source).run();
    } catch (const std::exception& error) {
      if (!group.is_alone()) {
        group.fail(error.what());
      }
      throw;
    } catch (...) {
      group.fail("unknown error");
      throw;
    }
  });
}

}  // namespace

template <class T>
History fit(Network<T>& network, ConstMatrixView<T> x, Targets<T> y, const Loss& loss, OptimizerRef optimizer,
            const FitOptions<T>& options) {
  return fit_rows<T>(network, x, y, loss, optimizer, options, nullptr);
}

template <class T>
History fit(Network<T>& network, RowSource<T>& rows, const Loss& loss, OptimizerRef optimizer,
            const FitOptions<T>& options) {
  return fit_rows<T>(network, {}, ConstMatrixView<T>(), loss, optimizer, options, &rows);
}

template <class T>
History Network<T>::fit(ConstMatrixView<T> x, Targets<T> y, const Loss& loss, OptimizerRef optimizer,
                        const FitOptions<T>& options) {
  return backpass::fit(*this, x, y, loss, optimizer, options);
}

template <class T>
History Network<T>::fit(RowSource<T>& rows, const Loss& loss, OptimizerRef optimizer, const FitOptions<T>& options) {
  return backpass::fit(*this, rows, loss, optimizer, options);
}

#define BACKPASS_INSTANTIATE(T)                                                                                       \
  template History fit(Network<T>&, ConstMatrixView<T>, Targets<T>, const Loss&, OptimizerRef, const FitOptions<T>&); \
  template History fit(Network<T>&, RowSource<T>&, const Loss&, OptimizerRef, const FitOptions<T>&);                  \
  template History Network<T>::fit(ConstMatrixView<T>, Targets<T>, const Loss&, OptimizerRef, const FitOptions<T>&);  \
  template History Network<T>::fit(RowSource<T>&, const Loss&, OptimizerRef, const FitOptions<T>&);
BACKPASS_INSTANTIATE(float)
BACKPASS_INSTANTIATE(double)
#undef BACKPASS_INSTANTIATE

}  // namespace backpass
