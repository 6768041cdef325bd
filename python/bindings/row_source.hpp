/// A Python object as a RowSource.
#pragma once

#include <backpass/row_source.hpp>

#include <optional>

#include "arrays.hpp"
#include "fit_arguments.hpp"

namespace backpass::python {

/// A `backpass.data.Windows`. Needs the GIL for its lifetime, but not for begin() and next().
template <class T>
class PythonSource : public RowSource<T> {
 public:
  PythonSource(const py::object& windows, const Network<T>& network, const Loss& loss, FitRun& run)
      : windows_(windows),
        begin_(windows.attr("begin")),
        next_(windows.attr("next")),
        buffer_rows_(windows.attr("buffer_rows").cast<std::size_t>()),
        inputs_(network.sizes().front()),
        outputs_(network.sizes().back()),
        rule_(label_rule(loss)),
        run_(run) {}

  /// May read all rows, to count them.
  [[nodiscard]] std::size_t rows() const override {
    return run_.between_steps([&] { return windows_.attr("rows").template cast<std::size_t>(); });
  }
  [[nodiscard]] std::size_t buffer_rows() const override { return buffer_rows_; }
  void begin(const SourcePass& pass) override {
    run_.between_steps([&] {
      call_python(begin_, py::make_tuple(pass.epoch, pass.window_rows, pass.shuffle, pass.seed));
      return true;  // not the object: it would be dropped without the GIL
    });
  }
  RowWindow<T> next() override {
    run_.between_steps([&] {
      const py::tuple window = call_python(next_, py::make_tuple());
      x_ = to_matrix<T>(window[0], inputs_, "x");
      y_ = to_targets<T>(window[1], x_.view.rows(), outputs_, false, rule_);
      weights_ = to_weights<T>(window[2], x_.view.rows(), false);
      return true;
    });
    return {x_.view, y_->view, weights_.view};
  }

 private:
  py::object windows_, begin_, next_;
  std::size_t buffer_rows_, inputs_, outputs_;
  LabelRule rule_;
  FitRun& run_;
  MatrixInput<T> x_;
  std::optional<TargetsInput<T>> y_;
  WeightsInput<T> weights_;
};

}  // namespace backpass::python
