// The members of an ensemble, and the statistics of their outputs, compared with long double arithmetic.
#include <backpass/backpass.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace backpass {
namespace {

template <class T>
class EnsembleOutputs : public ::testing::Test {};
using EnsembleTypes = ::testing::Types<float, double>;
TYPED_TEST_SUITE(EnsembleOutputs, EnsembleTypes);

template <class T>
std::vector<T> normal_numbers(std::size_t n) {
  std::mt19937 generator(3);
  std::normal_distribution<double> normal;
  std::vector<T> values(n);
  for (T& value : values) {
    value = static_cast<T>(normal(generator));
  }
  return values;
}

template <class T>
std::string refusal_of(std::vector<std::shared_ptr<Network<T>>> members) {
  try {
    (void)Ensemble<T>::of(std::move(members));
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no error";
}

TYPED_TEST(EnsembleOutputs, StatisticsAreThoseOfTheMembersOutputs) {
  using T = TypeParam;
  const std::vector<double> q = {0.0, 0.1, 0.5, 0.77, 1.0};
  for (const std::size_t members : {1U, 2U, 7U}) {
    for (const std::size_t rows : {0U, 1U, 3U, 700U}) {
      const Ensemble<T> ensemble({.sizes = {4, 9, 3}, .activation = Activation::tanh(), .seed = 1}, members);
      const std::vector<T> x = normal_numbers<T>(rows * 4);
      const ConstMatrixView<T> X(x.data(), rows, 4);
      std::vector<T> all(members * rows * 3);
      std::vector<T> mean(rows * 3), deviation(rows * 3), quantiles(q.size() * rows * 3);
      ensemble.predict(X, MatrixView<T>(all.data(), members * rows, 3));
      ensemble.mean(X, MatrixView<T>(mean.data(), rows, 3));
      ensemble.std(X, MatrixView<T>(deviation.data(), rows, 3));
      ensemble.quantile(X, q, MatrixView<T>(quantiles.data(), q.size() * rows, 3));
      for (std::size_t k = 0; k < members; ++k) {
        std::vector<T> own(rows * 3);
        ensemble[k].predict(X, MatrixView<T>(own.data(), rows, 3));
        EXPECT_TRUE(std::equal(own.begin(), own.end(), all.begin() + static_cast<std::ptrdiff_t>(k * rows * 3)));
      }
      constexpr long double kEps = std::numeric_limits<T>::epsilon();
      for (std::size_t i = 0; i < rows * 3; ++i) {
        std::vector<long double> values;
        long double sum = 0;
        for (std::size_t k = 0; k < members; ++k) {
          values.push_back(all[k * rows * 3 + i]);
          sum += values.back();
        }
        const long double m = sum / static_cast<long double>(members);
        long double squares = 0;
        for (const long double value : values) {
          squares += (value - m) * (value - m);
        }
        std::sort(values.begin(), values.end());
        const long double most = std::max(std::fabs(values.front()), std::fabs(values.back()));
        EXPECT_NEAR(mean[i], m, kEps * most);
        EXPECT_NEAR(deviation[i], std::sqrt(squares / static_cast<long double>(members)), 4 * kEps * most);
        for (std::size_t j = 0; j < q.size(); ++j) {
          const long double place = static_cast<long double>(q[j]) * static_cast<long double>(members - 1);
          const auto low = static_cast<std::size_t>(std::floor(place));
          const auto high = static_cast<std::size_t>(std::ceil(place));
          const long double expected = values[low] + (place - std::floor(place)) * (values[high] - values[low]);
          EXPECT_NEAR(quantiles[j * rows * 3 + i], expected, 4 * kEps * most);
        }
      }
    }
  }
}

TYPED_TEST(EnsembleOutputs, OfAnyLayoutAndTypeAreTheSame) {
  using T = TypeParam;
  const std::size_t rows = 600;
  const Ensemble<T> ensemble({.sizes = {4, 9, 3}, .seed = 1}, 3);
  const std::vector<float> numbers = normal_numbers<float>(rows * 4);
  std::vector<T> x(numbers.begin(), numbers.end());
  std::vector<double> wide(rows * 6);
  std::vector<T> strided(rows * 5);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < 4; ++c) {
      wide[r * 6 + c] = x[r * 4 + c];
      strided[r * 5 + c] = x[r * 4 + c];
    }
  }
  const AnyMatrix any{wide.data(), rows, 4, 6 * sizeof(double), sizeof(double), Element::float64};
  const auto outputs = [&](const Input<T>& input) {
    std::vector<T> all(3 * rows * 3), mean(rows * 3);
    ensemble.predict(input, MatrixView<T>(all.data(), 3 * rows, 3));
    ensemble.mean(input, MatrixView<T>(mean.data(), rows, 3));
    all.insert(all.end(), mean.begin(), mean.end());
    return all;
  };
  const std::vector<T> expected = outputs(Input<T>(x.data(), rows, 4));
  EXPECT_EQ(outputs(Input<T>(strided.data(), rows, 4, 5)), expected);
  EXPECT_EQ(outputs(any), expected);
}

struct Statistics {
  double mean, deviation, median, lower_quartile;
};
/// Of three members with these outputs.
Statistics statistics_of(double a, double b, double c) {
  Ensemble<double> ensemble({.sizes = {1, 1}, .bias = false, .seed = 1}, 3);
  ensemble[0].parameters()[0] = a;
  ensemble[1].parameters()[0] = b;
  ensemble[2].parameters()[0] = c;
  const double one = 1.0;
  const ConstMatrixView<double> x(&one, 1, 1);
  Statistics result{};
  std::vector<double> quantiles(2);
  ensemble.mean(x, MatrixView<double>(&result.mean, 1, 1));
  ensemble.std(x, MatrixView<double>(&result.deviation, 1, 1));
  ensemble.quantile(x, std::vector<double>{0.5, 0.25}, MatrixView<double>(quantiles.data(), 2, 1));
  result.median = quantiles[0];
  result.lower_quartile = quantiles[1];
  return result;
}

TEST(EnsembleOutput, LargeNumbersDoNotOverflow) {
  for (const double scale : {1.0, 1e153, 1e200, 3e307}) {
    const Statistics got = statistics_of(1 * scale, 2 * scale, 4 * scale);
    EXPECT_NEAR(got.mean / scale, 7.0 / 3.0, 1e-14) << scale;
    EXPECT_NEAR(got.deviation / scale, std::sqrt(14.0 / 9.0), 1e-14) << scale;
    EXPECT_NEAR(got.median / scale, 2.0, 1e-14) << scale;
    EXPECT_NEAR(got.lower_quartile / scale, 1.5, 1e-14) << scale;
  }
  constexpr double kMost = std::numeric_limits<double>::max();
  const Statistics spread = statistics_of(-0.9 * kMost, -0.9 * kMost, 0.9 * kMost);
  EXPECT_NEAR(spread.mean / kMost, -0.3, 1e-14);
  EXPECT_NEAR(spread.deviation / kMost, 0.9 * std::sqrt(8.0 / 9.0), 1e-14);
  const Statistics apart = statistics_of(-0.9 * kMost, 0.9 * kMost, 0.9 * kMost);
  EXPECT_NEAR(apart.lower_quartile / kMost, 0.0, 1e-14);
  EXPECT_TRUE(std::isinf(statistics_of(1.0, std::numeric_limits<double>::infinity(), 2.0).mean));
}

TEST(EnsembleOutput, QuantilesOfNanAreNanAndOfInfinitiesAreInfinite) {
  const auto median = [](double a, double b, double c) { return statistics_of(a, b, c).median; };
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(median(3.0, 1.0, 2.0), 2.0);
  EXPECT_EQ(median(kInfinity, kInfinity, 1.0), kInfinity);
  EXPECT_TRUE(std::isnan(median(1.0, std::nan(""), 2.0)));
}

TEST(EnsembleOutput, WrongShapesAndQuantilesAreRefused) {
  const Ensemble<float> ensemble({.sizes = {4, 2}, .seed = 1}, 3);
  std::vector<float> x(8), out(100);
  const ConstMatrixView<float> X(x.data(), 2, 4);
  EXPECT_THROW(ensemble.predict(X, MatrixView<float>(out.data(), 2, 2)), ShapeError);
  EXPECT_THROW(ensemble.mean(X, MatrixView<float>(out.data(), 6, 2)), ShapeError);
  EXPECT_THROW(ensemble.mean(ConstMatrixView<float>(x.data(), 2, 3), MatrixView<float>(out.data(), 2, 2)), ShapeError);
  EXPECT_THROW(ensemble.mean(X, MatrixView<float>(x.data(), 2, 2)), ShapeError);
  for (const double q : {-0.1, 1.1, std::nan("")}) {
    const std::vector<double> one = {q};
    EXPECT_THROW(ensemble.quantile(X, one, MatrixView<float>(out.data(), 2, 2)), std::invalid_argument);
  }
}

TEST(EnsembleMembers, HaveTheSeedsOfTheEnsemble) {
  const NetworkOptions options{.sizes = {3, 5, 2}, .seed = 9};
  const Ensemble<float> ensemble(options, 4);
  const std::vector<std::uint64_t> seeds = ensemble_seeds(9, 4);
  EXPECT_EQ(std::set(seeds.begin(), seeds.end()).size(), 4U);
  const std::vector<std::uint64_t> more = ensemble_seeds(9, 100);
  EXPECT_TRUE(std::equal(seeds.begin(), seeds.end(), more.begin()));
  EXPECT_NE(ensemble_seeds(10, 1), ensemble_seeds(9, 1));
  for (std::size_t k = 0; k < 4; ++k) {
    NetworkOptions own = options;
    own.seed = seeds[k];
    const Network<float> network(own);
    EXPECT_TRUE(std::equal(network.parameters().begin(), network.parameters().end(), ensemble[k].parameters().begin()));
  }
}

TEST(EnsembleMembers, AreUsedByOfAndCopiedByCopies) {
  const auto a = std::make_shared<Network<float>>(NetworkOptions{.sizes = {3, 5, 2}, .seed = 1});
  const auto b = std::make_shared<Network<float>>(NetworkOptions{.sizes = {3, 7, 7, 2}, .seed = 2});
  Ensemble<float> ensemble = Ensemble<float>::of({a, b});
  EXPECT_EQ(&ensemble[0], a.get());
  Ensemble<float> copy = ensemble;
  copy[0].parameters()[0] += 1.0F;
  EXPECT_NE(copy[0].parameters()[0], a->parameters()[0]);
  copy = ensemble;
  EXPECT_EQ(copy[0].parameters()[0], a->parameters()[0]);
  EXPECT_NE(&copy[0], a.get());
  Ensemble<float> moved = std::move(copy);
  EXPECT_EQ(copy.size(), 0U);  // NOLINT(bugprone-use-after-move)
  EXPECT_THROW((void)Ensemble<float>(copy), StateError);
  EXPECT_THROW(copy.predict(ConstMatrixView<float>(), {}), StateError);
  EXPECT_THROW((void)copy[0], StateError);
  EXPECT_THROW((void)std::as_const(copy)[0], StateError);
  EXPECT_THROW((void)ensemble[2], std::out_of_range);
}

TEST(EnsembleMembers, ThatDoNotFitAreRefused) {
  const auto net = [](std::vector<std::size_t> sizes) {
    return std::make_shared<Network<float>>(NetworkOptions{.sizes = std::move(sizes), .seed = 1});
  };
  const auto a = net({3, 2});
  EXPECT_EQ(refusal_of<float>({}), "an ensemble needs at least one network");
  EXPECT_EQ(refusal_of<float>({a, nullptr}), "network 1 of the ensemble is null");
  EXPECT_EQ(refusal_of<float>({a, net({3, 2}), a}), "network 2 of the ensemble is there twice: use a copy");
  EXPECT_EQ(refusal_of<float>({a, net({3, 3})}),
            "network 1 of the ensemble has 3 inputs and 3 outputs, but network 0 has 3 and 2");
  EXPECT_EQ(refusal_of<float>({a, net({4, 2})}),
            "network 1 of the ensemble has 4 inputs and 2 outputs, but network 0 has 3 and 2");
  const auto empty = net({3, 2});
  const Network<float> other = std::move(*empty);
  EXPECT_EQ(refusal_of<float>({a, empty}), "network 1 of the ensemble was moved from");
  EXPECT_THROW(Ensemble<float>({.sizes = {3, 2}}, 0), std::invalid_argument);
}

}  // namespace
}  // namespace backpass
