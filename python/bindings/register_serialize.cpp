/// Saving to files, loading, and pickling.
#include <backpass/ensemble.hpp>
#include <backpass/serialize.hpp>

#include <cstring>
#include <optional>

#include "any_network.hpp"
#include "network_docs.hpp"
#include "objects.hpp"

BACKPASS_ANNOTATED(OptionalMemory, "backpass._core.TrainingMemory | None")

namespace backpass::python {
namespace {

constexpr const char* kAdopted = "backpass.AnyNetwork";

/// File access always releases the GIL.
constexpr double kFile = std::numeric_limits<double>::infinity();

NetworkPointer take_network(AnySavedTraining checkpoint) {
  return std::visit([](auto&& c) { return std::make_shared<AnyNetwork>(AnyNetwork::Variant(std::move(c.network))); },
                    std::move(checkpoint));
}

void save_network(AnyNetwork& self, const Path& path, const OptionalOptimizer& optimizer_like,
                  const OptionalSchedule& schedule_like, std::size_t epochs, std::int64_t steps,
                  const OptionalStrings& metadata, const OptionalMemory& memory) {
  OptimizerObject* optimizer = to_optional_optimizer(optimizer_like);
  const ScheduleObject* schedule = to_optional_schedule(schedule_like);
  SaveOptions options;
  options.epochs = epochs;
  options.steps = steps;
  options.metadata = to_metadata(metadata);
  if (!memory.is_none() && !py::isinstance<TrainingMemory>(memory)) {
    throw py::type_error("memory must be a TrainingMemory, not " + type_name(memory));
  }
  options.memory = memory.is_none() ? nullptr : memory.cast<const TrainingMemory*>();
  options.schedule = schedule == nullptr ? nullptr : schedule->value.get();
  const std::filesystem::path file = to_path(path);
  const Shared shared(self.gate);
  std::optional<Shared> shared_optimizer;
  if (optimizer != nullptr) {
    shared_optimizer.emplace(optimizer->gate);
    options.optimizer = optimizer->value;
  }
  without_gil(kFile, [&] { self.visit([&](const auto& net) { net.save(file, options); }); });
}

void write_file(const Path& path, const py::bytes& content) {
  const std::filesystem::path file = to_path(path);
  const std::string_view bytes = content;  // immutable, so it can be read without the GIL
  without_gil(kFile, [&] { replace_file(file, std::as_bytes(std::span(bytes))); });
}

py::object adopt_any(py::handle cls, AnyNetwork::Variant network) {
  return adopt(cls, std::make_shared<AnyNetwork>(std::move(network)));
}

/// The fields of SavedTraining, with a list of networks if the file contains an ensemble.
AnyTuple to_tuple(py::handle cls, AnySaved any) {
  const auto of_training = [&](auto& c) {
    const py::object optimizer = c.optimizer ? from_optimizer(std::move(*c.optimizer)) : py::none();
    const py::object schedule =
        c.schedule ? from_schedule(std::make_shared<Schedule>(std::move(*c.schedule))) : py::none();
    return py::make_tuple(adopt_any(cls, std::move(c.network)), optimizer, schedule, c.epochs, c.steps, c.metadata,
                          c.memory);
  };
  const auto of_ensemble = [&](auto& c) {
    py::list members;
    for (std::size_t k = 0; k < c.ensemble.size(); ++k) {
      members.append(adopt_any(cls, std::move(c.ensemble[k])));
    }
    return py::make_tuple(members, py::none(), py::none(), 0, 0, c.metadata, TrainingMemory());
  };
  return std::visit(
      [&](auto&& saved) {
        if constexpr (requires { saved.network; }) {
          return AnyTuple(of_training(saved));
        } else {
          return AnyTuple(of_ensemble(saved));
        }
      },
      std::move(any));
}

using Restored = std::pair<NetworkPointer, py::dict>;

/// The pickled state: the bytes of a file, and the Python attributes (__dict__).
py::object get_network_state(const py::object& self) {
  auto& network = self.cast<AnyNetwork&>();
  const std::vector<std::byte> bytes = [&] {
    const Shared shared(network.gate);
    return without_gil(kFile, [&] { return network.visit([](const auto& net) { return to_bytes(net); }); });
  }();
  const auto copy =
      py::reinterpret_steal<py::bytes>(PyBytes_FromStringAndSize(nullptr, static_cast<py::ssize_t>(bytes.size())));
  if (!copy) {
    throw py::error_already_set();  // MemoryError; py::bytes would throw std::runtime_error
  }
  char* const to = PyBytes_AS_STRING(copy.ptr());
  in_parts_with_signals(bytes.size(), [&](std::size_t begin, std::size_t end) {
    std::memcpy(to + begin, bytes.data() + begin, end - begin);
  });
  return AnyTuple(py::make_tuple(copy, py::getattr(self, "__dict__", py::dict())));
}

Restored set_network_state(const py::object& state) {
  if (PyCapsule_IsValid(state.ptr(), kAdopted) != 0) {
    auto* network = static_cast<NetworkPointer*>(PyCapsule_GetPointer(state.ptr(), kAdopted));
    return {std::move(*network), py::dict()};
  }
  const auto saved = state.cast<std::tuple<py::bytes, py::dict>>();
  const std::string_view bytes = std::get<0>(saved);
  AnySavedTraining any = without_gil(kFile, [&] { return from_bytes(std::as_bytes(std::span(bytes))); });
  return {take_network(std::move(any)), std::get<1>(saved)};
}

}  // namespace

py::object adopt(py::handle cls, NetworkPointer network) {
  // Like unpickling: create an object without a network, then set its state.
  py::object object = cls.attr("__new__")(cls);
  object.attr("__setstate__")(py::capsule(&network, kAdopted));
  return object;
}

void register_serialize(py::module_& m, NetworkClass& cls) {
  cls.def("save", &save_network, py::arg("path"), py::kw_only(), py::arg("optimizer") = py::none(),
          py::arg("schedule") = py::none(), py::arg("epochs") = 0, py::arg("steps") = 0,
          py::arg("metadata") = py::none(), py::arg("memory") = py::none(), docs::kSave);
  cls.def(py::pickle(&get_network_state, &set_network_state));
  m.def("_replace_file", &write_file, py::arg("path"), py::arg("content"),
        "Replace the content of a file in the same way as `Network.save`.");
  m.def(
      "_load",
      [](const py::type& type, const Path& path) {
        const std::filesystem::path file = to_path(path);
        return to_tuple(type, without_gil(kFile, [&] { return load_any(file); }));
      },
      py::arg("cls"), py::arg("path"), "Return the fields of SavedTraining, with the memory instead of the history.");
}

}  // namespace backpass::python
