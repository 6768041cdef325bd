/// Sleeping until an atomic value changes.
#pragma once

#include <atomic>
#include <type_traits>

#if defined(__MINGW32__)
#include "base/windows.hpp"
#endif

namespace backpass::runtime {

// The functions have the meaning of std::atomic's members. With MinGW, libstdc++ 12's members may lose a notification:
// a thread may check the value, and then begin to sleep after the notification.
#if defined(__MINGW32__)
template <class T>
void wait(std::atomic<T>& value, std::type_identity_t<T> old) noexcept {
  while (value.load(std::memory_order_acquire) == old) {
    ::WaitOnAddress(&value, &old, sizeof old, INFINITE);
  }
}
template <class T>
void notify_one(std::atomic<T>& value) noexcept {
  ::WakeByAddressSingle(&value);
}
template <class T>
void notify_all(std::atomic<T>& value) noexcept {
  ::WakeByAddressAll(&value);
}
#else
template <class T>
void wait(std::atomic<T>& value, std::type_identity_t<T> old) noexcept {
  value.wait(old, std::memory_order_acquire);
}
template <class T>
void notify_one(std::atomic<T>& value) noexcept {
  value.notify_one();
}
template <class T>
void notify_all(std::atomic<T>& value) noexcept {
  value.notify_all();
}
#endif

}  // namespace backpass::runtime
