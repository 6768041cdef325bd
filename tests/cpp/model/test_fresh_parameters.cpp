// A seed determines the network: the same bits on every machine, compiler and instruction set.
// tests/python/test_initializers.py checks the same hashes for networks made from Python, and checks the numbers with
// an independent generator.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <span>
#include <string>

#include <backpass/backpass.hpp>

namespace {

/// FNV-1a with 64 bits over the bytes of little-endian numbers.
template <class T>
std::uint64_t fnv1a(std::span<const T> values) {
  std::uint64_t hash = 14695981039346656037u;
  for (const std::byte byte : std::as_bytes(values)) {
    hash = (hash ^ static_cast<std::uint64_t>(byte)) * 1099511628211u;
  }
  return hash;
}

struct Fresh {
  const char* init;
  std::uint64_t f32;
  std::uint64_t f64;
  friend void PrintTo(const Fresh& f, std::ostream* os) { *os << f.init; }
};

template <class T>
std::uint64_t hash_of(const char* init) {
  const backpass::Network<T> net({.sizes = {11, 40, 13, 3},
                                  .activation = backpass::Activation::relu(),
                                  .init = backpass::Initializer::from_name(init),
                                  .seed = 99});
  return fnv1a<T>(net.parameters());
}

class FreshParameters : public testing::TestWithParam<Fresh> {};

TEST_P(FreshParameters, AreTheSameEverywhere) {
  EXPECT_EQ(hash_of<float>(GetParam().init), GetParam().f32);
  EXPECT_EQ(hash_of<double>(GetParam().init), GetParam().f64);
}

INSTANTIATE_TEST_SUITE_P(Initializers, FreshParameters,
                         testing::Values(Fresh{"auto", 0xc36cee70d222791f,
                                               0x5e467badafced989},  // that of glorot_uniform
                                         Fresh{"he_normal", 0x996383bb364a4f8b, 0x4d7487aeffabf07d},       //
                                         Fresh{"he_uniform", 0xeba85b9e86124daa, 0x0062e163c15dc687},      //
                                         Fresh{"glorot_normal", 0x78d93a64c652d09d, 0xc1daf71cad192d32},   //
                                         Fresh{"glorot_uniform", 0xc36cee70d222791f, 0x5e467badafced989},  //
                                         Fresh{"lecun_normal", 0xd7173fee2b161990, 0xfeaeb43b8f493072},    //
                                         Fresh{"lecun_uniform", 0xf09501e6f1611092, 0x46c353b1d1ad741e},   //
                                         Fresh{"normal", 0x8bcfee69d1b4460c, 0xd0f3a21ffa2e0265},          //
                                         Fresh{"uniform", 0xfb64084fba185c39, 0xb2b6bd8edc65833e},         //
                                         Fresh{"orthogonal", 0xdb0668e14d2cb39a, 0x9a86465830dc2d3b}),
                         [](const auto& test) { return std::string(test.param.init); });

}  // namespace
