#include "base/pool.hpp"

#include <memory>

#include <gtest/gtest.h>

namespace backpass {
namespace {

TEST(Pool, LendsAgainWhatCameBack) {
  Pool<int> pool;
  int made = 0;
  const auto any = [](const int&) { return true; };
  const auto make = [&] { return std::make_unique<int>(++made); };
  const int* first = nullptr;
  {
    const auto lease = pool.lease(any, make);
    first = lease.get();
  }
  EXPECT_EQ(pool.lease(any, make).get(), first);
  EXPECT_EQ(made, 1);
}

TEST(Pool, TwoLeasesAtOnceAreTwoObjects) {
  Pool<int> pool;
  const auto any = [](const int&) { return true; };
  const auto a = pool.lease(any, [] { return std::make_unique<int>(1); });
  const auto b = pool.lease(any, [] { return std::make_unique<int>(2); });
  EXPECT_NE(a.get(), b.get());
}

TEST(Pool, WhatDoesNotFitIsReplaced) {
  Pool<int> pool;
  {
    const auto small = pool.lease([](const int&) { return true; }, [] { return std::make_unique<int>(1); });
  }
  const auto large = pool.lease([](const int& size) { return size >= 5; }, [] { return std::make_unique<int>(5); });
  EXPECT_EQ(*large, 5);
}

}  // namespace
}  // namespace backpass
