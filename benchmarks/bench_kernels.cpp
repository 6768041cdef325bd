// Kernels of every usable instruction set on one thread. Products are reported in GFLOP/s, elementwise functions in
// elements per second. "peak" is a product of one register tile: compare the other products with it. "bandwidth" is y
// += x over arrays larger than the caches: the rate of memory.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "kernels/dispatch.hpp"
#include "linalg/multiply.hpp"

namespace backpass {
namespace {

using kernels::Index;

template <class T>
void product(benchmark::State& state, const kernels::KernelTable<T>& kernels, linalg::Layout layout, bool gradient) {
  const Index m = state.range(0);
  const Index n = state.range(1);
  const Index k = state.range(2);
  const std::vector<T> a(static_cast<std::size_t>(m * k), T(0.5));
  const std::vector<T> b(static_cast<std::size_t>(k * n), T(0.25));
  std::vector<T> c(static_cast<std::size_t>(m * n));
  std::vector<T> scratch(linalg::scratch_size(kernels, static_cast<std::size_t>(k)));
  linalg::Product<T> p;
  p.m = m;
  p.n = n;
  p.k = k;
  p.a = a.data();
  p.a_row = gradient ? 1 : k;
  p.a_col = gradient ? m : 1;
  p.b = b.data();
  p.b_row = layout == linalg::Layout::plain ? n : k;
  p.c = c.data();
  p.c_row = n;
  for (auto _ : state) {
    linalg::multiply(kernels, p, layout, scratch.data());
    benchmark::ClobberMemory();
  }
  state.counters["FLOP/s"] =
      benchmark::Counter(2.0 * static_cast<double>(m * n * k), benchmark::Counter::kIsIterationInvariantRate);
}

template <class T>
void elementwise(benchmark::State& state, const kernels::KernelTable<T>& kernels, ActivationKind kind) {
  const Index n = state.range(0);
  const std::vector<T> z(static_cast<std::size_t>(n), T(0.3));
  std::vector<T> a(z.size());
  for (auto _ : state) {
    kernels.activate[static_cast<int>(kind)](n, T(1), z.data(), a.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * n);
}

template <class T>
void bandwidth(benchmark::State& state, const kernels::KernelTable<T>& kernels) {
  const Index n = state.range(0) / static_cast<Index>(sizeof(T));
  const std::vector<T> x(static_cast<std::size_t>(n), T(0.3));
  std::vector<T> y(x.size());
  for (auto _ : state) {
    kernels.add(n, x.data(), y.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * 3 * state.range(0));  // reads x and y, writes y
}

template <class T>
void register_all(const kernels::KernelSet& set, const std::string& type) {
  const auto& table = kernels::table<T>(set);
  const std::string name = std::string(set.name) + "/" + type + "/";
  const auto shapes = [](benchmark::internal::Benchmark* b) {
    for (const auto& shape : std::vector<std::vector<std::int64_t>>{{1, 64, 64},
                                                                    {1, 512, 784},
                                                                    {1, 2048, 2048},
                                                                    {64, 64, 64},
                                                                    {64, 10, 512},
                                                                    {64, 45, 45},
                                                                    {128, 512, 784},
                                                                    {256, 2048, 2048}}) {
      b->Args(shape);
    }
  };
  const auto add = [&](const char* what, linalg::Layout layout, bool gradient) {
    benchmark::RegisterBenchmark((name + what).c_str(), [&table, layout, gradient](benchmark::State& state) {
      product<T>(state, table, layout, gradient);
    })->Apply(shapes);
  };
  benchmark::RegisterBenchmark((name + "peak").c_str(), [&table](benchmark::State& state) {
    product<T>(state, table, linalg::Layout::plain, false);
  })->Args({table.tile_rows, table.panel_cols, 128});
  constexpr std::int64_t kBytes = 256 << 20;
  benchmark::RegisterBenchmark((name + "bandwidth").c_str(), [&table](benchmark::State& state) {
    bandwidth<T>(state, table);
  })->Arg(kBytes);
  add("forward", linalg::Layout::plain, false);
  add("backward", linalg::Layout::transposed, false);
  add("gradient", linalg::Layout::plain, true);
  for (const auto& [kind, label] :
       {std::pair{ActivationKind::relu, "relu"}, std::pair{ActivationKind::tanh, "tanh"},
        std::pair{ActivationKind::sigmoid, "sigmoid"}, std::pair{ActivationKind::gelu, "gelu"}}) {
    benchmark::RegisterBenchmark((name + label).c_str(), [&table, kind = kind](benchmark::State& state) {
      elementwise<T>(state, table, kind);
    })->Arg(4096);
  }
}

const bool registered = [] {
  for (const kernels::KernelSet* set : kernels::built()) {
    if (kernels::usable(*set)) {
      register_all<float>(*set, "float32");
      register_all<double>(*set, "float64");
    }
  }
  return true;
}();

}  // namespace
}  // namespace backpass
