#include <backpass/loss.hpp>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <backpass/error.hpp>

#include "base/floating_point_mode.hpp"
#include "base/of_type.hpp"
#include "base/require.hpp"
#include "base/text.hpp"
#include "base/variant_from_name.hpp"
#include "kernels/dispatch.hpp"
#include "model/check_loss.hpp"
#include "model/loss_plan.hpp"
#include "model/require_matrix.hpp"
#include "runtime/interrupt.hpp"

namespace backpass {

namespace {

using NamedLosses = std::make_index_sequence<std::variant_size_v<Loss> - 1>;  // all except CustomLoss
std::string as_written(std::string_view name) { return std::string(name); }

}  // namespace

Loss loss_from_name(std::string_view name) { return variant_from_name<Loss>("loss", name, as_written, NamedLosses()); }

std::vector<std::string> loss_names() { return variant_names<Loss>(as_written, NamedLosses()); }

std::string_view loss_name(const Loss& loss) noexcept {
  return std::visit([](const auto& l) { return std::remove_cvref_t<decltype(l)>::name; }, loss);
}

void validate(const Loss& loss) {
  std::visit([]<class L>(const L& settings) { require_fields(settings); }, loss);
}

namespace model {
namespace {

/// The kernel that computes L from a^N.
template <class L>
struct KernelOf;  // not defined for a loss without a row
#define BACKPASS_KERNEL(name, Class, ...)                                   \
  template <>                                                               \
  struct KernelOf<Class> {                                                  \
    static constexpr kernels::LossKernel value = kernels::LossKernel::name; \
  };
BACKPASS_LOSSES(BACKPASS_KERNEL)
#undef BACKPASS_KERNEL

/// The row of a closed form in loss_list.hpp.
struct ClosedForm {
  kernels::LossKernel loss;
  ActivationKind output;
  kernels::LossKernel kernel;
};
#define BACKPASS_FORM(Class, output, kernel) \
  {KernelOf<Class>::value, ActivationKind::output, kernels::LossKernel::kernel},
constexpr ClosedForm kClosedForms[]{BACKPASS_CLOSED_FORMS(BACKPASS_FORM)};
#undef BACKPASS_FORM

/// The parameter of a loss's kernel: its only setting, or 0.
template <class L>
double parameter_of(const L& loss) {
  static_assert(std::tuple_size_v<decltype(fields_of<L>())> <= 1, "a kernel has one parameter");
  double parameter = 0.0;
  for_each_field<L>([&](const auto& field) { parameter = loss.*field.member; });
  return parameter;
}

}  // namespace

template <class T>
LossPlan<T> plan_loss(const Loss& loss, const Activation& output) {
  validate(loss);
  return std::visit(
      [&]<class L>(const L& l) -> LossPlan<T> {
        if constexpr (std::is_same_v<L, CustomLoss>) {
          throw std::invalid_argument("a custom loss cannot be computed row by row");
        } else {
          LossPlan<T> plan{KernelOf<L>::value, static_cast<T>(parameter_of(l)), loss_traits_of<L>.mean_over_outputs()};
          // With the identity as output activation, a^N = z^N and ξ^N = ∂E/∂a^N.
          bool from_z = output.kind() == ActivationKind::identity;
          for (const ClosedForm& form : kClosedForms) {
            if (form.loss == KernelOf<L>::value && form.output == output.kind()) {
              plan.kernel = form.kernel;
              from_z = true;
            }
          }
          plan.source = from_z ? LossSource::preactivation : LossSource::output;
          return plan;
        }
      },
      loss);
}

RowMean::RowMean(double reciprocal_of_weights) noexcept : reciprocal(reciprocal_of_weights) {
  int exponent = 0;
  (void)std::frexp(reciprocal, &exponent);
  shrink = std::ldexp(1.0, exponent - 2);
}

template <class T>
double reciprocal_weight_sum(std::span<const T> sample_weight, std::size_t rows) {
  if (sample_weight.empty()) {
    return 1.0 / static_cast<double>(rows);
  }
  double sum = 0.0;
  runtime::in_parts(sample_weight.size(), 4, [&](std::size_t begin, std::size_t end) {
    for (const T w : sample_weight.subspan(begin, end - begin)) {
      require_weight(w);
      sum += static_cast<double>(w);
    }
  });
  if (sum <= 0.0) {
    throw std::invalid_argument("sample_weight: all weights are zero");
  }
  return 1.0 / sum;
}

template LossPlan<float> plan_loss(const Loss&, const Activation&);
template LossPlan<double> plan_loss(const Loss&, const Activation&);
template double reciprocal_weight_sum(std::span<const float>, std::size_t);
template double reciprocal_weight_sum(std::span<const double>, std::size_t);

}  // namespace model

template <class T>
double evaluate_loss(const Loss& loss, ConstMatrixView<T> a, Targets<T> y, MatrixView<T> grad,
                     std::span<const T> sample_weight) {
  model::check_targets(loss, a.rows(), a.cols(), y, sample_weight);
  model::require_data("a", a);
  if (grad.data() != nullptr) {
    model::require_output("grad", grad, a.rows(), a.cols());
    model::require_same_or_apart("a", a, "grad", grad);
    if (!y.are_labels()) {
      model::require_same_or_apart("y", y.values(), "grad", grad);
    }
  }
  if (const auto* custom = std::get_if<CustomLoss>(&loss)) {
    std::vector<T> unused_gradient(grad.data() == nullptr ? a.rows() * a.cols() : 0);
    const MatrixView<T> out = grad.data() == nullptr ? MatrixView<T>(unused_gradient.data(), a.rows(), a.cols()) : grad;
    return in_callers_mode(of_type<T>(custom->function_f32, custom->function_f64), a, y, out);
  }
  return in_own_mode([&] {
    const auto plan = model::plan_loss<T>(loss, Activation::identity());
    const model::RowMean mean(model::reciprocal_weight_sum(sample_weight, a.rows()));
    const model::RowLoss<T> row_loss(plan, a.cols(), y);
    double sum = 0.0;
    runtime::in_parts(a.rows(), 16 * a.cols(), [&](std::size_t begin, std::size_t end) {
      for (std::size_t r = begin; r < end; ++r) {
        const double weight = sample_weight.empty() ? 1.0 : static_cast<double>(sample_weight[r]);
        sum += mean.term(weight, row_loss(a.row(r), r, static_cast<T>(weight * mean.reciprocal),
                                          grad.data() == nullptr ? nullptr : grad.row(r)));
      }
    });
    return mean.of(sum);
  });
}

template double evaluate_loss(const Loss&, ConstMatrixView<float>, Targets<float>, MatrixView<float>,
                              std::span<const float>);
template double evaluate_loss(const Loss&, ConstMatrixView<double>, Targets<double>, MatrixView<double>,
                              std::span<const double>);

}  // namespace backpass
