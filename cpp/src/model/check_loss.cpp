#include "model/check_loss.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <backpass/error.hpp>

#include "base/text.hpp"
#include "model/require_matrix.hpp"
#include "runtime/interrupt.hpp"

namespace backpass::model {
namespace {

/// A pair of loss and output activation that is refused: why, and what to use instead.
struct Mismatch {
  const char* reason;
  const char* hint;
};

/// The pairs that are refused: a column for each kind of output, a row for each kind of loss. Losses of real targets
/// fit every output.
std::optional<Mismatch> mismatch_of(const LossTraits& loss, OutputRange outputs) {
  using enum OutputRange;
  const bool is_distribution = outputs == distribution || outputs == log_distribution;
  switch (loss.targets) {
    case TargetDomain::real:
      return std::nullopt;
    case TargetDomain::non_negative:
      if (outputs == real || outputs == log_distribution) {
        return Mismatch{"expects a rate, which is never negative", "use output='exp' or output='softplus'"};
      }
      return std::nullopt;
    case TargetDomain::unit_interval:
      if (loss.takes_logits()) {
        if (outputs == unit_interval) {
          return Mismatch{"expects logits and applies sigmoid itself",
                          "use output='identity', or loss='binary_cross_entropy' for probabilities"};
        }
        if (is_distribution) {
          return Mismatch{"expects logits and applies sigmoid itself",
                          "use output='identity', or loss='cross_entropy' for a distribution over the outputs"};
        }
        return std::nullopt;
      }
      if (outputs == unit_interval || outputs == distribution) {
        return std::nullopt;
      }
      return Mismatch{"expects probabilities", "use output='sigmoid', or loss='sigmoid_cross_entropy' for logits"};
    case TargetDomain::distribution:
      if (loss.takes_logits()) {
        // log_softmax of log_softmax is log_softmax.
        if (outputs == distribution) {
          return Mismatch{"expects logits and applies softmax itself",
                          "use output='identity', or loss='cross_entropy' for probabilities"};
        }
        if (outputs == unit_interval) {
          return Mismatch{"expects logits and applies softmax itself",
                          "use output='identity', or loss='binary_cross_entropy' for one probability per output"};
        }
        return std::nullopt;
      }
      if (is_distribution) {
        return std::nullopt;
      }
      if (outputs == unit_interval) {
        return Mismatch{"expects probabilities whose sum over the outputs is 1",
                        "use output='softmax', or loss='binary_cross_entropy' for one probability per output"};
      }
      return Mismatch{"expects probabilities", "use output='softmax', or loss='softmax_cross_entropy' for logits"};
  }
  return std::nullopt;
}

[[noreturn]] void refuse_label(const std::string& where, std::size_t row, std::int64_t label, std::size_t outputs,
                               std::int64_t least, std::int64_t largest) {
  const bool from_one = least == 1 && std::cmp_equal(largest, outputs);
  throw std::invalid_argument(
      where + "label " + element_text("y", row) + " = " + std::to_string(label) + " is out of range for " +
      std::to_string(outputs) + " outputs (0 to " + std::to_string(outputs - 1) + ")" +
      (from_one ? "; labels start at 0, and these look like 1 to " + std::to_string(outputs) + ": use y - 1" : ""));
}

template <class T>
void check_labels(const Targets<T>& y, std::size_t outputs, const std::string& where) {
  std::int64_t least = 0;
  std::int64_t largest = 0;
  std::optional<std::size_t> wrong;
  runtime::in_parts(y.rows(), 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      const std::int64_t label = y.label(r);
      least = r == 0 ? label : std::min(least, label);
      largest = r == 0 ? label : std::max(largest, label);
      if (!wrong && (label < 0 || std::cmp_greater_equal(label, outputs))) {
        wrong = r;
      }
    }
  });
  if (wrong) {
    refuse_label(where, *wrong, y.label(*wrong), outputs, least, largest);
  }
}

template <class T>
[[noreturn]] void refuse_target(std::string_view loss, const std::string& where, const char* expected, std::size_t row,
                                std::size_t col, T value, const char* hint) {
  throw std::invalid_argument(where + std::string(loss) + " expects targets " + expected + ", but " +
                              element_text("y", row, col) + " = " + number_text(value) + hint);
}

/// Checks that all elements are in [0, most]. \param y  (rows, outputs)
template <class T>
void check_interval(std::string_view loss, ConstMatrixView<T> y, T most, const std::string& where) {
  runtime::in_parts(y.rows(), y.cols(), [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      const T* const row = y.row(r);
      bool wrong = false;
      for (std::size_t c = 0; c < y.cols(); ++c) {  // no branch, so that the compiler uses vectors
        wrong |= (row[c] < T(0)) | (row[c] > most);
      }
      for (std::size_t c = 0; wrong && c < y.cols(); ++c) {
        if (row[c] < T(0) || row[c] > most) {
          const char* const hint = !std::isfinite(most) ? ""
                                   : row[c] == T(-1)    ? "; for the labels -1 and 1 use (y + 1) / 2"
                                   : row[c] == T(2)     ? "; labels start at 0: for the labels 1 and 2 use y - 1"
                                                        : "";
          refuse_target(loss, where, std::isfinite(most) ? "in [0, 1]" : "that are not negative", r, c, row[c], hint);
        }
      }
    }
  });
}

/// Checks that every row is a distribution. \param y  (rows, outputs)
template <class T>
void check_distributions(std::string_view loss, ConstMatrixView<T> y, const std::string& where) {
  constexpr double kTolerance = 1e-3;  // for probabilities that were rounded to three decimals
  runtime::in_parts(y.rows(), y.cols(), [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      const T* const row = y.row(r);
      double sum = 0.0;
      bool wrong = false;
      for (std::size_t c = 0; c < y.cols(); ++c) {
        wrong |= row[c] < T(0);
        sum += static_cast<double>(row[c]);
      }
      for (std::size_t c = 0; wrong && c < y.cols(); ++c) {
        if (row[c] < T(0)) {
          refuse_target(loss, where, "that are labels or distributions", r, c, row[c], "");
        }
      }
      if (std::fabs(sum - 1.0) > kTolerance) {  // false for NaN
        throw std::invalid_argument(where + std::string(loss) +
                                    " expects targets that are labels or distributions, but " + "the sum of row " +
                                    std::to_string(r) + " of y is " + number_text(static_cast<T>(sum)) + ", not 1");
      }
    }
  });
}

template <class T>
void check_domain(const Loss& loss, ConstMatrixView<T> y, const std::string& where) {
  switch (loss_traits(loss).targets) {
    case TargetDomain::real:
      return;
    case TargetDomain::non_negative:
      return check_interval(loss_name(loss), y, std::numeric_limits<T>::infinity(), where);
    case TargetDomain::unit_interval:
      return check_interval(loss_name(loss), y, T(1), where);
    case TargetDomain::distribution:
      return check_distributions(loss_name(loss), y, where);
  }
}

}  // namespace

bool takes_labels(const Loss& loss) noexcept {
  return loss_traits(loss).takes_labels() || std::holds_alternative<CustomLoss>(loss);
}

void check_pair(const Loss& loss, const Activation& output, std::size_t outputs) {
  const OutputRange range = output.outputs();
  if (range == OutputRange::unknown || std::holds_alternative<CustomLoss>(loss)) {
    return;
  }
  const LossTraits traits = loss_traits(loss);
  if (outputs == 1 && (range == OutputRange::distribution || range == OutputRange::log_distribution)) {
    throw std::invalid_argument(std::string(output.name()) +
                                " of one output is constant; use output='sigmoid' with loss='binary_cross_entropy', or "
                                "one output per class");
  }
  if (outputs == 1 && traits.targets == TargetDomain::distribution && traits.takes_logits()) {
    throw std::invalid_argument(
        std::string(loss_name(loss)) +
        " of one output is constant; use loss='sigmoid_cross_entropy', or one output per class");
  }
  if (const auto mismatch = mismatch_of(traits, range)) {
    throw std::invalid_argument(std::string(loss_name(loss)) + " " + mismatch->reason +
                                ", but the output activation is " + std::string(output.name()) + "; " + mismatch->hint);
  }
}

template <class T>
void check_targets(const Loss& loss, std::size_t rows, std::size_t outputs, const Targets<T>& y,
                   std::span<const T> sample_weight, std::string_view prefix) {
  validate(loss);
  const std::string where(prefix);
  if (rows == 0) {
    throw std::invalid_argument(where + "no rows: the mean loss of zero samples is undefined");
  }
  if (y.are_labels()) {
    if (!takes_labels(loss)) {
      throw std::invalid_argument(where + std::string(loss_name(loss)) + " takes targets of shape " +
                                  shape_text(rows, outputs) + ", not class labels");
    }
    if (y.rows() != rows) {
      throw ShapeError(where + "y has " + std::to_string(y.rows()) + " labels for " + std::to_string(rows) +
                       " rows of x");
    }
    check_labels(y, outputs, where);
  } else {
    require_input(where + "y", y.values(), rows, outputs);
    check_domain(loss, y.values(), where);
  }
  if (!sample_weight.empty()) {
    if (std::holds_alternative<CustomLoss>(loss)) {
      throw std::invalid_argument("sample_weight: not supported with a custom loss; apply the weights in its function");
    }
    if (sample_weight.size() != rows) {
      throw ShapeError("sample_weight has " + std::to_string(sample_weight.size()) + " entries for " +
                       std::to_string(rows) + " rows of x");
    }
  }
}

template <class T>
void require_weights(std::span<const T> sample_weight, std::string_view prefix) {
  runtime::in_parts(sample_weight.size(), 1, [&](std::size_t begin, std::size_t end) {
    for (const T w : sample_weight.subspan(begin, end - begin)) {
      require_weight(w, prefix);
    }
  });
}

template void require_weights(std::span<const float>, std::string_view);
template void require_weights(std::span<const double>, std::string_view);
template void check_targets(const Loss&, std::size_t, std::size_t, const Targets<float>&, std::span<const float>,
                            std::string_view);
template void check_targets(const Loss&, std::size_t, std::size_t, const Targets<double>&, std::span<const double>,
                            std::string_view);

}  // namespace backpass::model
