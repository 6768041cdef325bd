/// Work without the GIL, and the way back into Python. At the end of the interpreter neither may end the process.
#pragma once

#include <chrono>
#include <thread>
#include <type_traits>
#include <utility>

#if __has_include(<cxxabi.h>)
#include <cxxabi.h>
#endif

#include <backpass/interrupt.hpp>

#include "bindings.hpp"

namespace backpass::python {

/// Stops a daemon thread for good: the interpreter has ended, and the thread holds objects that it may not drop.
[[noreturn]] inline void stop_thread() noexcept {
  while (true) {
    std::this_thread::sleep_for(std::chrono::hours(24));
  }
}

/// Runs f, which may wait for the GIL. Once the interpreter ends, CPython before 3.14 answers a daemon thread's wait
/// with pthread_exit, which unwinds the stack: destructors would drop Python objects without the GIL, and a noexcept
/// function or a catch (...) on the way would abort the process. So the unwinding stops here and the thread waits for
/// the end of the process, as CPython 3.14 has it. Nothing in f between here and CPython may own a Python object.
template <class F>
decltype(auto) hold_at_exit(F&& f) {
#if defined(__GLIBCXX__)
  try {
    return std::forward<F>(f)();
  } catch (const abi::__forced_unwind&) {
    stop_thread();
  }
#else
  return std::forward<F>(f)();
#endif
}

/// Gives the GIL away for its lifetime. For native code alone: see without_gil.
class GilPause {
 public:
  GilPause() : thread_(PyEval_SaveThread()) { current = this; }
  ~GilPause() { end(); }
  GilPause(const GilPause&) = delete;
  GilPause& operator=(const GilPause&) = delete;

 private:
  friend class GilHold;
  void begin() noexcept {
    (void)PyEval_SaveThread();
    current = this;
  }
  void end() {
    current = nullptr;
    hold_at_exit([this] { PyEval_RestoreThread(thread_); });
  }

  static inline constinit thread_local GilPause* current = nullptr;
  PyThreadState* thread_;
};

/// Has the GIL for its lifetime, on a thread that came from Python: it ends that thread's pause for a while. Looking
/// the thread up (PyGILState_Ensure, and pybind11's own way) would not do: once the interpreter has ended, what they
/// look into is gone.
class GilHold {
 public:
  GilHold() : pause_(GilPause::current) {
    if (pause_ != nullptr) {
      pause_->end();
    }
  }
  ~GilHold() {
    if (pause_ != nullptr) {
      pause_->begin();
    }
  }
  GilHold(const GilHold&) = delete;
  GilHold& operator=(const GilHold&) = delete;

 private:
  GilPause* pause_;
};

/// Runs the handlers of the signals that have come, with the GIL held. \throws what a handler throws
inline void check_signals() {
  if (hold_at_exit([] { return PyErr_CheckSignals(); }) != 0) {
    throw py::error_already_set();
  }
}

/// Whether this thread is the one that runs the handlers of signals. With the GIL held. \throws what a handler throws
inline bool is_main_thread() {
  const bool is_main = hold_at_exit([] {
    PyObject* const threading = PyImport_ImportModule("threading");
    PyObject* const thread = threading == nullptr ? nullptr : PyObject_CallMethod(threading, "main_thread", nullptr);
    PyObject* const ident = thread == nullptr ? nullptr : PyObject_GetAttrString(thread, "ident");
    const bool same = ident != nullptr && PyLong_AsUnsignedLong(ident) == PyThread_get_thread_ident();
    Py_XDECREF(ident);
    Py_XDECREF(thread);
    Py_XDECREF(threading);
    return same;
  });
  if (PyErr_Occurred() != nullptr) {
    throw py::error_already_set();
  }
  return is_main;
}

/// While it lives, calls of this thread into the core run the handlers of signals that have come. What a handler
/// throws, KeyboardInterrupt say, ends the call as InterruptScope says. A thread that runs no handlers asks for the GIL
/// once, and then not again.
class SignalScope {
 public:
  SignalScope() : scope_([this] { check(); }) {}
  ~SignalScope() = default;
  SignalScope(const SignalScope&) = delete;
  SignalScope& operator=(const SignalScope&) = delete;

 private:
  void check() {
    if (!runs_handlers_) {
      return;
    }
    const GilHold gil;
    if (!asked_) {
      asked_ = true;
      runs_handlers_ = is_main_thread();
    }
    if (runs_handlers_) {
      check_signals();
    }
  }

  bool asked_ = false;
  bool runs_handlers_ = true;
  InterruptScope scope_;
};

/// Returns f(), which is run without the GIL when its work is worth that. Below some microseconds, giving the GIL away
/// would only let other threads take it, and getting it back can take their whole switch interval, 5 ms by default.
/// f returns a native value and touches no Python object: reference counts are the GIL's. Signals end a long f.
/// \param operations  multiply-adds of f, roughly
template <class F>
std::invoke_result_t<F&> without_gil(double operations, F&& f) {
  using Result = std::remove_cvref_t<std::invoke_result_t<F&>>;
  static_assert(!std::is_base_of_v<py::handle, Result>, "f would make a Python object without the GIL");
  constexpr double kWorthIt = 0x1p17;  // ≈ 10 µs
  if (operations < kWorthIt) {
    return f();
  }
  const SignalScope signals;
  const GilPause pause;
  return f();
}

/// callable(*arguments), with the GIL held.
inline py::object call_python(const py::object& callable, const py::tuple& arguments) {
  PyObject* result = hold_at_exit([&] { return PyObject_Call(callable.ptr(), arguments.ptr(), nullptr); });
  if (result == nullptr) {
    throw py::error_already_set();
  }
  return py::reinterpret_steal<py::object>(result);
}

}  // namespace backpass::python
