// How a team shares a pass: rows, columns with a barrier per layer, or segments. The bits never differ, and the sums
// are right.
#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include <backpass/backpass.hpp>

namespace backpass {
namespace {

std::vector<double> numbers(std::size_t n, unsigned int seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  std::vector<double> v(n);
  for (double& x : v) {
    x = normal(generator);
  }
  return v;
}

class Teams : public testing::Test {
 protected:
  void TearDown() override { set_num_threads(before_); }

 private:
  int before_ = get_num_threads();
};

/// Returns all results of a network's passes on these rows.
std::vector<double> all_of(const std::vector<std::size_t>& sizes, std::size_t rows, int threads) {
  set_num_threads(threads);
  std::vector<Activation> activations(sizes.size() - 1, Activation::tanh());
  activations[1] = Activation::softmax();
  activations.back() = Activation::identity();
  std::vector<double> dropout(sizes.size() - 2, 0.0);
  dropout[0] = 0.25;
  Network<double> net({.sizes = sizes, .activation = activations, .dropout = dropout, .seed = 5});
  const std::vector<double> x = numbers(rows * sizes.front(), 1);
  const std::vector<double> y = numbers(rows * sizes.back(), 2);
  const ConstMatrixView<double> inputs(x.data(), rows, sizes.front());
  const ConstMatrixView<double> targets(y.data(), rows, sizes.back());
  std::vector<double> all;
  const auto keep = [&](auto range) { all.insert(all.end(), range.begin(), range.end()); };

  std::vector<double> input_gradient(x.size());
  const MatrixView<double> to_inputs(input_gradient.data(), rows, sizes.front());
  all.push_back(net.loss_and_gradient(inputs, targets, MeanSquaredError{}, {}, to_inputs));
  keep(net.gradients());
  keep(input_gradient);
  (void)net.forward(inputs, true);
  net.backward(targets, to_inputs);
  keep(net.gradients());
  keep(input_gradient);
  Adam adam;
  all.push_back(net.train_step(inputs, targets, MeanSquaredError{}, adam));
  keep(net.parameters());
  std::vector<double> out(y.size());
  net.predict(inputs, MatrixView<double>(out.data(), rows, sizes.back()));
  keep(out);
  return all;
}

TEST_F(Teams, AllNumbersOfThreadsGiveTheSameBits) {
  // Few rows and many weights: columns. Many weights: columns. Many rows: rows. Few weights: segments. Inputs with 512
  // columns are copied, because their rows would fall into the same cache sets.
  struct Case {
    std::vector<std::size_t> sizes;
    std::size_t rows;
  };
  for (const auto& [sizes, rows] :
       {Case{{300, 410, 290, 10}, 20}, Case{{500, 700, 600, 3}, 70}, Case{{150, 200, 161, 5}, 300},
        Case{{20, 70, 60, 2}, 150}, Case{{512, 300, 200, 10}, 20}, Case{{512, 90, 60, 2}, 90}}) {
    const std::vector<double> expected = all_of(sizes, rows, 1);
    for (const int threads : {2, 3, 8}) {
      EXPECT_EQ(all_of(sizes, rows, threads), expected) << threads << " threads, " << rows << " rows";
    }
  }
}

/// Compares the gradient of a batch with the sum of the gradients of its rows.
void check_sums(const std::vector<std::size_t>& sizes) {
  Network<double> net({.sizes = sizes, .activation = Activation::tanh(), .seed = 5});
  for (const std::size_t rows : {std::size_t{63}, std::size_t{64}, std::size_t{150}, std::size_t{700}}) {
    const std::vector<double> x = numbers(rows * sizes.front(), 1);
    const std::vector<double> grad = numbers(rows * sizes.back(), 2);
    const ConstMatrixView<double> inputs(x.data(), rows, sizes.front());
    const ConstMatrixView<double> outputs(grad.data(), rows, sizes.back());
    for (const bool accumulate : {false, true}) {
      std::vector<double> expected(net.num_parameters());
      for (std::size_t r = 0; r < rows; ++r) {
        (void)net.forward(inputs.middle_rows(r, 1));
        net.backward(outputs.middle_rows(r, 1), {}, r > 0);
      }
      std::copy(net.gradients().begin(), net.gradients().end(), expected.begin());
      (void)net.forward(inputs);
      net.backward(outputs, {}, accumulate);
      for (std::size_t i = 0; i < expected.size(); ++i) {
        const double whole = accumulate ? 2.0 * expected[i] : expected[i];
        ASSERT_NEAR(net.gradients()[i], whole, 1e-12 * static_cast<double>(rows)) << rows << " rows, parameter " << i;
      }
    }
    // Also the pass that keeps no activations: ∂E/∂a of the squared error is 2 (a − y) / (rows · outputs).
    std::vector<double> a(grad.size());
    net.predict(inputs, MatrixView<double>(a.data(), rows, sizes.back()));
    for (std::size_t i = 0; i < a.size(); ++i) {
      a[i] = 2.0 * (a[i] - grad[i]) / static_cast<double>(a.size());
    }
    (void)net.forward(inputs);
    net.backward(ConstMatrixView<double>(a.data(), rows, sizes.back()));
    const std::vector<double> expected(net.gradients().begin(), net.gradients().end());
    (void)net.loss_and_gradient(inputs, outputs, MeanSquaredError{});
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ASSERT_NEAR(net.gradients()[i], expected[i], 1e-14 * static_cast<double>(rows)) << rows << " rows";
    }
  }
}

/// Each member converts some rows, and all members read all rows.
TEST_F(Teams, MembersThatShareColumnsWaitForConvertedRows) {
  constexpr std::size_t kBatch = 6;
  constexpr std::size_t kWidth = 3000;
  const Network<float> net({.sizes = {kWidth, 700, 2}, .activation = Activation::tanh(), .seed = 5});
  Workspace<float> workspace = net.make_workspace(kBatch);
  std::vector<std::int16_t> x(kBatch * kWidth);
  const AnyMatrix matrix{.data = x.data(),
                         .rows = kBatch,
                         .cols = kWidth,
                         .row_step = kWidth * sizeof(std::int16_t),
                         .col_step = sizeof(std::int16_t),
                         .element = Element::int16};
  std::vector<float> expected(kBatch * 2);
  std::vector<float> got(kBatch * 2);
  for (int repeat = 0; repeat < 100; ++repeat) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = static_cast<std::int16_t>((i * 7919 + static_cast<std::size_t>(repeat) * 104729) % 7);
    }
    set_num_threads(1);
    net.predict(Input<float>(matrix), MatrixView<float>(expected.data(), kBatch, 2), workspace);
    set_num_threads(2);
    net.predict(Input<float>(matrix), MatrixView<float>(got.data(), kBatch, 2));
    ASSERT_EQ(got, expected) << "repeat " << repeat;
  }
}

TEST_F(Teams, GradientsAreTheSumOfTheirRows) {
  check_sums({20, 70, 60, 2});   // in segments
  check_sums({512, 70, 60, 2});  // in row blocks, with copied inputs
}

}  // namespace
}  // namespace backpass
