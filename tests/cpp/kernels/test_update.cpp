// The update kernels: an element's bits do not depend on its place, nothing outside the range changes, and signs are
// right where products underflow. (tests/cpp/optim/test_trajectory.cpp checks the numbers.)
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/dispatch.hpp"

namespace backpass::kernels {
namespace {

template <class T>
using Call = std::function<void(const UpdateKernels<T>&, const UpdateSpan<T>&)>;

/// One variant of an update kernel, and the slots that it uses.
template <class T>
struct Variant {
  std::string name;
  std::vector<int> slots;
  Call<T> call;
};

template <class T>
std::vector<Variant<T>> variants() {
  const Decay<T> slow{T(0.9), T(0), T(0.1)};
  const Decay<T> slower{T(0.99), T(1e-9), T(0.01)};
  std::vector<Variant<T>> all;
  const auto add = [&](std::string name, std::vector<int> slots, auto kernel, auto coefficients) {
    all.push_back({std::move(name), std::move(slots),
                   [=](const UpdateKernels<T>& k, const UpdateSpan<T>& u) { (k.*kernel)(u, coefficients); }});
  };
  using K = UpdateKernels<T>;
  const T lr(0.01), decay(0.1), eps(1e-3);
  add("sgd", {}, &K::sgd, SgdUpdate<T>{lr, decay, slow, T(0), false, false});
  add("sgd momentum", {0}, &K::sgd, SgdUpdate<T>{lr, decay, slow, T(0.9), true, false});
  add("sgd nesterov", {0}, &K::sgd, SgdUpdate<T>{lr, decay, slow, T(0.9), true, true});
  add("rmsprop", {0}, &K::rmsprop, RmspropUpdate<T>{lr, decay, eps, slower, slow, false, false});
  add("rmsprop momentum", {0, 1}, &K::rmsprop, RmspropUpdate<T>{lr, decay, eps, slower, slow, true, false});
  add("rmsprop centered", {0, 2}, &K::rmsprop, RmspropUpdate<T>{lr, decay, eps, slower, slow, false, true});
  add("rmsprop both", {0, 1, 2}, &K::rmsprop, RmspropUpdate<T>{lr, decay, eps, slower, slow, true, true});
  add("adagrad", {0}, &K::adagrad, AdagradUpdate<T>{lr, decay, eps});
  add("adam", {0, 1}, &K::adam, AdamUpdate<T>{lr, eps, decay, T(0), slow, slower, false});
  add("adam amsgrad", {0, 1, 2}, &K::adam, AdamUpdate<T>{lr, eps, T(0), decay, slow, slower, true});
  add("nadam", {0, 1}, &K::nadam, NadamUpdate<T>{lr, lr, eps, decay, slow, slower});
  add("rprop first", {0, 1}, &K::rprop, RpropUpdate<T>{T(0.5), T(1.2), T(1e-6), T(50), lr, true});
  add("rprop", {0, 1}, &K::rprop, RpropUpdate<T>{T(0.5), T(1.2), T(1e-6), T(50), lr, false});
  add("lion", {0}, &K::lion, LionUpdate<T>{lr, decay, slow, slower});
  return all;
}

constexpr int kArrays = 5;  // g, p and the slots
constexpr int kGuard = 3;   // elements before and after each array

template <class T>
using Arrays = std::vector<std::vector<T>>;

/// Numbers of both signs in g and p; positive numbers in slots, which hold means of squares.
template <class T>
Arrays<T> make_arrays(std::size_t n) {
  Arrays<T> arrays;
  for (std::size_t k = 0; k < kArrays; ++k) {
    std::vector<T> values(n + 2 * kGuard);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const T x = static_cast<T>(std::sin(static_cast<double>(i * 7 + k * 31 + 1)));
      values[i] = k < 2 ? x : x * x;
    }
    arrays.push_back(std::move(values));
  }
  return arrays;
}

template <class T>
UpdateSpan<T> span_of(Arrays<T>& arrays, std::size_t begin, std::size_t n, const std::vector<int>& slots) {
  UpdateSpan<T> span{static_cast<std::ptrdiff_t>(n), arrays[0].data() + begin, arrays[1].data() + begin, {}};
  for (int slot : slots) {
    span.slot[slot] = arrays[2 + static_cast<std::size_t>(slot)].data() + begin;
  }
  return span;
}

template <class T>
bool same_bits(const Arrays<T>& a, const Arrays<T>& b) {
  for (std::size_t k = 0; k < a.size(); ++k) {
    if (std::memcmp(a[k].data(), b[k].data(), a[k].size() * sizeof(T)) != 0) {
      return false;
    }
  }
  return true;
}

template <class T>
class Update : public testing::Test {
 protected:
  template <class F>
  void for_each_set(F&& f) {
    for (const KernelSet* set : built()) {
      if (usable(*set)) {
        SCOPED_TRACE(set->name);
        f(table<T>(*set));
      }
    }
  }
};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(Update, Types);

// Compares updates of single elements at every offset with one update of all elements. The comparison includes the
// guards. Slots that the kernel does not use are null.
TYPED_TEST(Update, AnElementDoesNotDependOnItsPlace) {
  using T = TypeParam;
  this->for_each_set([](const KernelTable<T>& t) {
    for (const Variant<T>& variant : variants<T>()) {
      for (std::size_t n = 0; n <= 2 * static_cast<std::size_t>(t.lanes) + 2; ++n) {
        Arrays<T> at_once = make_arrays<T>(n);
        const Arrays<T> before = at_once;
        Arrays<T> one_by_one = at_once;
        variant.call(t.update, span_of(at_once, kGuard, n, variant.slots));
        for (std::size_t i = 0; i < n; ++i) {
          variant.call(t.update, span_of(one_by_one, kGuard + i, 1, variant.slots));
          // If the gradient changed its sign, Rprop changes the step size, and the parameter stays.
          EXPECT_TRUE(at_once[1][kGuard + i] != before[1][kGuard + i] ||
                      at_once[3][kGuard + i] != before[3][kGuard + i])
              << variant.name;
        }
        ASSERT_TRUE(same_bits(at_once, one_by_one)) << variant.name << ", n = " << n;
        for (std::size_t k = 0; k < kArrays; ++k) {
          for (std::size_t i = 0; i < kGuard; ++i) {
            ASSERT_EQ(at_once[k][i], before[k][i]) << variant.name << ", n = " << n;
            ASSERT_EQ(at_once[k][kGuard + n + i], before[k][kGuard + n + i]) << variant.name << ", n = " << n;
          }
        }
        ASSERT_EQ(at_once[0], before[0]) << variant.name;
      }
    }
  });
}

TYPED_TEST(Update, NaNGradientsMakeNaNParameters) {
  using T = TypeParam;
  this->for_each_set([](const KernelTable<T>& t) {
    for (const Variant<T>& variant : variants<T>()) {
      const auto n = static_cast<std::size_t>(t.lanes) + 1;
      Arrays<T> arrays = make_arrays<T>(n);
      arrays[0][kGuard + n - 1] = arrays[0][kGuard] = std::numeric_limits<T>::quiet_NaN();
      variant.call(t.update, span_of(arrays, kGuard, n, variant.slots));
      for (std::size_t i = 0; i < n; ++i) {
        EXPECT_EQ(std::isnan(arrays[1][kGuard + i]), i == 0 || i == n - 1) << variant.name << ", " << i;
      }
    }
  });
}

// Rprop needs the sign of g · g_prev, also if the product underflows.
TYPED_TEST(Update, RpropComparesSignsOfTheSmallest) {
  using T = TypeParam;
  const T tiny = std::numeric_limits<T>::min();
  this->for_each_set([&](const KernelTable<T>& t) {
    std::vector<T> g{tiny, -tiny, tiny, -tiny, T(0), -T(0), tiny, -tiny, T(0)};
    std::vector<T> previous{tiny, -tiny, -tiny, tiny, tiny, -tiny, T(0), -T(0), T(0)};
    std::vector<T> size(9, T(1));
    std::vector<T> p(9, T(0));
    t.update.rprop({9, g.data(), p.data(), {previous.data(), size.data(), nullptr}},
                   {T(0.5), T(2), T(0.1), T(10), T(0.3), false});
    EXPECT_EQ(size, (std::vector<T>{2, 2, 0.5, 0.5, 1, 1, 1, 1, 1}));
    EXPECT_EQ(p, (std::vector<T>{-2, 2, 0, 0, 0, 0, -1, 1, 0}));
    EXPECT_EQ(previous, (std::vector<T>{tiny, -tiny, 0, 0, 0, 0, tiny, -tiny, 0}));
  });
}

TYPED_TEST(Update, LionDoesNotMoveWhereItsMomentIsZero) {
  using T = TypeParam;
  this->for_each_set([](const KernelTable<T>& t) {
    std::vector<T> g{T(0), -T(0), T(1), T(-1)};
    std::vector<T> m(4, T(0));
    std::vector<T> p(4, T(0));
    t.update.lion({4, g.data(), p.data(), {m.data(), nullptr, nullptr}},
                  {T(0.5), T(0), {T(0.5), T(0), T(0.5)}, {T(0.5), T(0), T(0.5)}});
    EXPECT_EQ(p, (std::vector<T>{0, 0, -0.5, 0.5}));
    EXPECT_EQ(m, (std::vector<T>{0, 0, 0.5, -0.5}));
  });
}

}  // namespace
}  // namespace backpass::kernels
