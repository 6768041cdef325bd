/// Releases the GIL and takes it back. Neither may abort the process when the interpreter shuts down.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <thread>
#include <type_traits>
#include <utility>

#if __has_include(<cxxabi.h>)
#include <cxxabi.h>
#endif

#include <backpass/interrupt.hpp>

#include "bindings.hpp"

namespace backpass::python {

/// Blocks a daemon thread until the process ends. The interpreter has shut down, and the thread may own Python objects
/// that it must not release.
[[noreturn]] inline void stop_thread() noexcept {
  while (true) {
    std::this_thread::sleep_for(std::chrono::hours(24));
  }
}

/// Runs f, which may wait for the GIL.
///
/// If a daemon thread waits for the GIL after the interpreter has started to shut down, CPython before 3.14 calls
/// pthread_exit, which unwinds the stack. Destructors would then release Python objects without the GIL, and a noexcept
/// function or a catch (...) on the stack would abort the process. This function catches the unwinding and blocks the
/// thread until the process ends, as CPython 3.14 does. No stack frame between this function and CPython may own a
/// Python object.
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

/// Releases the GIL for its lifetime. Use it around native code only; see without_gil.
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

/// Holds the GIL for its lifetime: suspends the GilPause of this thread, if there is one. The thread must have come
/// from Python. PyGILState_Ensure and py::gil_scoped_acquire would not work here: they look up the thread in data that
/// the interpreter frees when it shuts down.
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

/// Runs the handlers of pending signals. Needs the GIL. \throws what a handler throws
inline void check_signals() {
  if (hold_at_exit([] { return PyErr_CheckSignals(); }) != 0) {
    throw py::error_already_set();
  }
}

/// Calls f(begin, end) for consecutive parts of [0, n), and runs the handlers of pending signals after each part. Needs
/// the GIL.
/// \param cost  number of elements that f copies per index
/// \throws what a handler throws
template <class F>
void in_parts_with_signals(std::size_t n, F f, std::size_t cost = 1) {
  constexpr std::size_t kElements = std::size_t{1} << 18;  // of a part; less than a millisecond
  const std::size_t part = std::max<std::size_t>(1, kElements / std::max<std::size_t>(1, cost));
  for (std::size_t begin = 0; begin < n; begin += part) {
    const std::size_t end = std::min(n, begin + part);
    f(begin, end);
    if (end < n) {
      check_signals();
    }
  }
}

/// Whether this thread is Python's main thread, which runs the signal handlers. Needs the GIL.
/// \throws what a handler throws
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

/// While an object of this class exists, long core calls of this thread run the handlers of pending signals. An
/// exception of a handler (for example KeyboardInterrupt) ends the call, as described at InterruptScope. A thread that
/// runs no handlers takes the GIL only once.
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

/// Returns f(). Releases the GIL if f takes longer than about 10 µs. For a shorter f, releasing the GIL costs more than
/// it gains: another thread may take the GIL and keep it for its switch interval, 5 ms by default.
/// f returns a native value and must not touch Python objects, because the GIL protects their reference counts. Signal
/// handlers run during a long f and may end it.
/// \param operations  approximate number of multiply-adds of f
template <class F>
std::invoke_result_t<F&> without_gil(double operations, F&& f) {
  using Result = std::remove_cvref_t<std::invoke_result_t<F&>>;
  static_assert(!std::is_base_of_v<py::handle, Result>, "f would make a Python object without the GIL");
  constexpr double kLongCall = 0x1p17;  // 131072 multiply-adds: 3 µs (50 per ns) to 13 µs (10 per ns)
  if (operations < kLongCall) {
    return f();
  }
  const SignalScope signals;
  const GilPause pause;
  return f();
}

/// Returns callable(*arguments). Needs the GIL. All functions that run Python code, or for which NumPy may release the
/// GIL, are called by this function or inside hold_at_exit: the caller owns Python objects.
inline py::object call_python(const py::object& callable, const py::tuple& arguments) {
  PyObject* result = hold_at_exit([&] { return PyObject_Call(callable.ptr(), arguments.ptr(), nullptr); });
  if (result == nullptr) {
    throw py::error_already_set();
  }
  return py::reinterpret_steal<py::object>(result);
}

}  // namespace backpass::python
