/// The native part of backpass.Ensemble: functions on a sequence of networks, its members.
#include <backpass/ensemble.hpp>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "any_network.hpp"
#include "fit_arguments.hpp"

BACKPASS_ANNOTATED(OptimizersLike,
                   "backpass._core.optim.Optimizer | collections.abc.Sequence[backpass._core.optim.Optimizer]")

namespace backpass::python {
namespace {

/// The members of one call. Python's networks stay the owners.
class Members {
 public:
  explicit Members(const NetworkSequence& sequence) {
    for (const py::handle object : sequence) {
      if (!py::isinstance<AnyNetwork>(object)) {
        throw py::type_error("a member of an ensemble must be a Network, not " + type_name(object));
      }
      pointers_.push_back(object.cast<NetworkPointer>());
    }
    if (pointers_.empty()) {
      throw py::value_error("an ensemble needs at least one network");
    }
  }

  /// Returns f(ensemble), where the type of ensemble is Ensemble<T>&.
  /// \throws std::invalid_argument if the networks cannot be an ensemble
  template <class F>
  decltype(auto) visit(F&& f) const {
    return pointers_.front()->visit([&]<class T>(Network<T>&) -> decltype(auto) {
      std::vector<std::shared_ptr<Network<T>>> networks;
      for (const NetworkPointer& pointer : pointers_) {
        Network<T>* const network = pointer->visit([](auto& one) -> Network<T>* {
          if constexpr (std::is_same_v<decltype(one), Network<T>&>) {
            return &one;
          } else {
            return nullptr;
          }
        });
        if (network == nullptr) {
          throw std::invalid_argument("the networks of an ensemble must have the same dtype");
        }
        networks.emplace_back(pointer, network);
      }
      auto ensemble = Ensemble<T>::of(std::move(networks));
      return f(ensemble);
    });
  }
  [[nodiscard]] std::vector<Gate*> gates() const {
    std::vector<Gate*> gates;
    gates.reserve(pointers_.size());
    for (const NetworkPointer& pointer : pointers_) {
      gates.push_back(&pointer->gate);
    }
    return gates;
  }
  /// As AnyNetwork::operations(), of all members.
  [[nodiscard]] double operations(std::size_t rows) const noexcept {
    double sum = 0.0;
    for (const NetworkPointer& pointer : pointers_) {
      sum += pointer->operations(rows);
    }
    return sum;
  }
  [[nodiscard]] std::size_t size() const noexcept { return pointers_.size(); }

 private:
  std::vector<NetworkPointer> pointers_;
};

/// A result (count, B, M_N), or (count, M_N) for a single sample, and its rows as a matrix (count · B, M_N).
template <class T>
struct Stack {
  Stack(std::size_t count, std::size_t rows, std::size_t cols, bool single)
      : array(single ? std::vector{count, cols} : std::vector{count, rows, cols}),
        view(array.mutable_data(), count * rows, cols) {}
  py::array_t<T> array;
  MatrixView<T> view;
};

/// `out` as a matrix (count · B, M_N).
template <class T>
MatrixView<T> to_stack(const py::array& out, std::size_t count, std::size_t rows, std::size_t cols, bool single) {
  const py::tuple shape =
      single ? py::tuple(py::make_tuple(count, cols)) : py::tuple(py::make_tuple(count, rows, cols));
  if (!py::object(out.attr("shape")).equal(shape)) {
    throw py::value_error("out has shape " + shape_text(out) + "; expected " + std::string(py::str(shape)));
  }
  if ((out.flags() & py::array::c_style) == 0) {
    throw py::value_error("out must be C-contiguous");
  }
  return to_output<T>(py::array(out.attr("reshape")(count * rows, cols)), count * rows, cols, false);
}

Array predict_ensemble(const NetworkSequence& sequence, const ArrayLike& x, const OptionalArray& out,
                       const OptionalInt& num_threads) {
  const Members members(sequence);
  const int threads = to_threads(num_threads);
  return members.visit([&]<class T>(const Ensemble<T>& ensemble) {
    const std::size_t cols = ensemble[0].sizes().back();
    RowsInput<T> input = to_rows<T>(x, ensemble[0].sizes().front(), "x");
    const std::size_t rows = input.view.rows();
    const auto run = [&](MatrixView<T> view) {
      AccessGroup accesses;
      accesses.enter(members.gates(), Use::read);
      without_gil(members.operations(rows), [&] { ensemble.predict(input.view, view, threads); });
    };
    if (out.is_none()) {
      Stack<T> result(ensemble.size(), rows, cols, input.single);
      run(result.view);
      return Array(result.array);
    }
    if (!py::isinstance<py::array>(out)) {
      throw py::type_error("out must be a numpy.ndarray, not " + type_name(out));
    }
    const auto given = py::reinterpret_borrow<py::array>(out);
    const MatrixView<T> view = to_stack<T>(given, ensemble.size(), rows, cols, input.single);
    py::array_t<T> copy;
    if (!input.view.is_apart_from(view)) {
      // Copy x, so that the result is the same as without overlap, as in NumPy.
      copy = new_array<T>(rows, input.view.cols(), false);
      input.view.read(0, view_of<T>(copy, rows, input.view.cols()));
      input.view = view_of<T>(copy, rows, input.view.cols());
    }
    run(view);
    return Array(out);
  });
}

/// f(ensemble, x, out) writes `count` statistics of the members' outputs.
template <class F>
Array ensemble_statistics(const NetworkSequence& sequence, const ArrayLike& x, std::size_t count, F f) {
  const Members members(sequence);
  return members.visit([&]<class T>(const Ensemble<T>& ensemble) {
    const RowsInput<T> input = to_rows<T>(x, ensemble[0].sizes().front(), "x");
    const std::size_t rows = input.view.rows();
    Stack<T> result(count, rows, ensemble[0].sizes().back(), input.single);
    AccessGroup accesses;
    accesses.enter(members.gates(), Use::read);
    without_gil(members.operations(rows), [&] { f(ensemble, input.view, result.view); });
    return Array(result.array);
  });
}

/// The mean of every series over the members that trained in this epoch.
py::dict mean_values(const EnsembleEpochReport& report) {
  py::dict logs;
  for (const auto& [name, unused] : report.histories.front()->series) {
    double sum = 0.0;
    double count = 0.0;
    for (const History* history : report.histories) {
      if (const std::vector<double>& values = (*history)[name]; values.size() > report.epoch) {
        sum += values[report.epoch];
        count += 1.0;
      }
    }
    logs[py::str(name)] = sum / count;
  }
  return logs;
}

/// \param optimizers  one per member, or one that each member gets a copy of
/// \param settings    one dict per member: the arguments of Ensemble.fit, by name
std::vector<StringDict> fit_ensemble(const NetworkSequence& sequence, const ArrayLike& x, const ArrayLike& y,
                                     const LossLike& loss_like, const OptimizersLike& optimizers,
                                     const std::vector<StringDict>& settings, const OptionalInt& num_threads,
                                     const py::object& on_begin, const py::object& on_epoch_end,
                                     const py::object& on_progress) {
  const Members members(sequence);
  const Loss loss = to_loss(loss_like);
  std::deque<OptimizerObject> copies;
  std::vector<OptimizerObject*> own;
  if (py::isinstance<OptimizerObject>(optimizers)) {
    const auto& one = optimizers.cast<OptimizerObject&>();
    for (std::size_t k = 0; k < members.size(); ++k) {
      own.push_back(&copies.emplace_back(one.value));
    }
  } else {
    for (const py::handle one : optimizers) {
      own.push_back(&to_optimizer(one));
    }
  }
  return members.visit([&]<class T>(Ensemble<T>& ensemble) {
    const auto setting_of = [&](std::size_t k) {
      return [&, k](const char* name) -> py::object { return settings[k][name]; };
    };
    const FitArrays<T> arrays(ensemble[0], loss, x, y, setting_of(0));
    std::vector<FitOptions<T>> options;
    std::deque<Schedule> schedules;
    std::vector<OptimizerRef> references;
    std::vector<Gate*> optimizer_gates;
    for (std::size_t k = 0; k < members.size(); ++k) {
      const auto setting = setting_of(k);
      options.push_back(to_fit_options(arrays, setting));
      options.back().seed = setting("seed").template cast<std::uint64_t>();
      const py::object schedule = setting("schedule");
      if (const ScheduleObject* object = to_optional_schedule(schedule)) {
        options.back().schedule = &schedules.emplace_back(copy_schedule(*object->value));
      }
      references.emplace_back(own[k]->value);
      optimizer_gates.push_back(&own[k]->gate);
    }
    AccessGroup accesses;
    accesses.enter(members.gates(), Use::fit);
    accesses.enter(optimizer_gates, Use::fit);
    FitRun run(accesses);
    EnsembleRun together{.num_threads = to_threads(num_threads)};
    together.on_begin = [&](const BeginReport& report) {
      run.between_steps([&] {
        call_python(on_begin, py::make_tuple(report.epoch, report.rows));
        return true;  // not the object: it would be dropped without the GIL
      });
    };
    if (!on_epoch_end.is_none()) {
      together.on_epoch_end = [&](const EnsembleEpochReport& report) {
        return run.between_steps([&] {
          return call_python(on_epoch_end, py::make_tuple(report.epoch, mean_values(report))).template cast<bool>();
        });
      };
    }
    together.on_progress = [&](const EnsembleProgressReport& report) {
      return run.between_steps([&] {
        check_signals();  // Ctrl-C: the KeyboardInterrupt of the signal handler ends fit between two steps
        return call_python(on_progress, py::make_tuple(report.done, report.loss)).template cast<bool>();
      });
    };
    const std::vector<History> histories = run.run([&] {
      return ensemble.fit(arrays.x.view, arrays.y.view, loss, std::span<const OptimizerRef>(references),
                          std::span<const FitOptions<T>>(options), together);
    });
    std::vector<StringDict> result(histories.size());
    std::transform(histories.begin(), histories.end(), result.begin(), &to_arguments);
    return result;
  });
}

void save_ensemble(const NetworkSequence& sequence, const Path& path, const OptionalStrings& metadata) {
  const Members members(sequence);
  const std::map<std::string, std::string> strings = to_metadata(metadata);
  const std::filesystem::path file = to_path(path);
  members.visit([&](const auto& ensemble) {
    AccessGroup accesses;
    accesses.enter(members.gates(), Use::read);
    without_gil(std::numeric_limits<double>::infinity(), [&] { ensemble.save(file, strings); });
  });
}

}  // namespace

void register_ensemble(py::module_& m) {
  m.def(
      "_ensemble_seeds",
      [](const SeedLike& seed, const py::object& members) {
        return ensemble_seeds(to_seed(seed), to_count(members, "members"));
      },
      py::arg("seed"), py::arg("members"), "Return the seeds of the members of an ensemble.");
  m.def(
      "_check_ensemble", [](const NetworkSequence& sequence) { Members(sequence).visit([](const auto&) {}); },
      py::arg("members"), "Raise ValueError or TypeError unless the networks can be an ensemble.");
  m.def("_fit_ensemble", &fit_ensemble, py::arg("members"), py::arg("x"), py::arg("y"), py::kw_only(), py::arg("loss"),
        py::arg("optimizers"), py::arg("settings"), py::arg("num_threads"), py::arg("on_begin"),
        py::arg("on_epoch_end"), py::arg("on_progress"),
        "Run the epochs of Ensemble.fit. Return the arguments of one History per member.");
  m.def("_predict_ensemble", &predict_ensemble, py::arg("members"), py::arg("x"), py::arg("out"),
        py::arg("num_threads"), "Return the outputs of all members, (K, B, M_N).");
  m.def(
      "_mean_of_ensemble",
      [](const NetworkSequence& members, const ArrayLike& x, const OptionalInt& num_threads) {
        const int threads = to_threads(num_threads);
        return ensemble_statistics(members, x, 1,
                                   [=](auto& ensemble, auto& in, auto out) { ensemble.mean(in, out, threads); });
      },
      py::arg("members"), py::arg("x"), py::arg("num_threads"), "Return the mean of the outputs, (1, B, M_N).");
  m.def(
      "_std_of_ensemble",
      [](const NetworkSequence& members, const ArrayLike& x, const OptionalInt& num_threads) {
        const int threads = to_threads(num_threads);
        return ensemble_statistics(members, x, 1,
                                   [=](auto& ensemble, auto& in, auto out) { ensemble.std(in, out, threads); });
      },
      py::arg("members"), py::arg("x"), py::arg("num_threads"),
      "Return the standard deviation of the outputs, (1, B, M_N).");
  m.def(
      "_quantile_of_ensemble",
      [](const NetworkSequence& members, const ArrayLike& x, const std::vector<double>& q,
         const OptionalInt& num_threads) {
        const int threads = to_threads(num_threads);
        return ensemble_statistics(members, x, q.size(),
                                   [&](auto& ensemble, auto& in, auto out) { ensemble.quantile(in, q, out, threads); });
      },
      py::arg("members"), py::arg("x"), py::arg("q"), py::arg("num_threads"),
      "Return quantiles of the outputs, (Q, B, M_N).");
  m.def("_save_ensemble", &save_ensemble, py::arg("members"), py::arg("path"), py::arg("metadata"),
        "Save the networks as one ensemble.");
}

}  // namespace backpass::python
