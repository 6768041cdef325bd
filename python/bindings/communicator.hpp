/// A Python object as a Communicator.
#pragma once

#include <backpass/communicator.hpp>

#include <span>

#include "gil.hpp"

namespace backpass::python {

/// A communicator of mpi4py, or a backpass.distributed.Group: an object with rank, size, and exchange(partner, send,
/// receive) for two memoryviews. Needs the GIL for its lifetime, but not for exchange().
class PythonCommunicator : public Communicator {
 public:
  explicit PythonCommunicator(const py::object& object)
      : uses_mpi_(py::hasattr(object, "Sendrecv")),
        exchange_(object.attr(uses_mpi_ ? "Sendrecv" : "exchange")),
        rank_(object.attr("rank").cast<int>()),
        size_(object.attr("size").cast<int>()) {}

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return size_; }
  void exchange(int partner, std::span<const std::byte> send, std::span<std::byte> receive) override {
    constexpr int kTag = 0x6270;
    const GilHold gil;
    const View from(const_cast<std::byte*>(send.data()), send.size(), true);
    const View to(receive.data(), receive.size(), false);
    // mpi4py is called directly: between the bytecodes of a Python function a signal could raise an exception, while
    // the partner waits.
    const py::tuple arguments = uses_mpi_ ? py::tuple(py::make_tuple(from.view, partner, kTag, to.view, partner, kTag))
                                          : py::tuple(py::make_tuple(partner, from.view, to.view));
    (void)call_python(exchange_, arguments);
  }

 private:
  /// Memory that is valid during one call only. Needs the GIL.
  struct View {
    View(std::byte* data, std::size_t size, bool readonly)
        : view(py::memoryview::from_memory(size == 0 ? &none : data, static_cast<py::ssize_t>(size), readonly)) {}
    View(const View&) = delete;
    View& operator=(const View&) = delete;
    ~View() {
      if (PyObject* result = PyObject_CallMethod(view.ptr(), "release", nullptr); result != nullptr) {
        Py_DECREF(result);
      } else {
        PyErr_Clear();  // the user has taken a view of it
      }
    }
    static inline std::byte none{};
    py::memoryview view;
  };

  bool uses_mpi_;
  py::object exchange_;
  int rank_;
  int size_;
};

}  // namespace backpass::python
