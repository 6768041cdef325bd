// Copies, moves, views and workspaces: their contents before and after the calls that fill them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include <backpass/backpass.hpp>

namespace backpass {
namespace {

template <class T>
class Views : public testing::Test {
 protected:
  std::vector<T> x_values = std::vector<T>(6 * 4, T(0.5));
  ConstMatrixView<T> x{x_values.data(), 6, 4};

  static Network<T> make(std::uint64_t seed = 1) {
    return Network<T>({.sizes = {4, 5, 3}, .activation = Activation::tanh(), .bias = {true, false}, .seed = seed});
  }
  static std::vector<T> copied(std::span<const T> values) { return {values.begin(), values.end()}; }
};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(Views, Types);

TYPED_TEST(Views, DoNotExistBeforeForwardAndBackward) {
  Network<TypeParam> net = this->make();
  const Layer<TypeParam> layer = net.layer(0);
  EXPECT_THROW((void)layer.z(), StateError);
  EXPECT_THROW((void)layer.a(), StateError);
  EXPECT_THROW((void)layer.xi(), StateError);
  SGD sgd;
  EXPECT_THROW(net.step(sgd), StateError);
  EXPECT_THROW(net.backward(this->x.middle_cols(0, 3)), StateError);
  net.forward(this->x);
  EXPECT_EQ(layer.z().rows(), 6U);
  EXPECT_THROW((void)layer.xi(), StateError);
  for (std::size_t r = 0; r < 6; ++r) {
    for (std::size_t k = 0; k < 5; ++k) {
      EXPECT_NEAR(static_cast<double>(layer.a()(r, k)), std::tanh(static_cast<double>(layer.z()(r, k))), 1e-6);
    }
  }
  net.backward(this->x.middle_cols(0, 3));
  EXPECT_EQ(layer.xi().rows(), 6U);
  EXPECT_EQ(layer.xi().cols(), 5U);
  net.step(sgd);
  EXPECT_THROW(net.backward(this->x.middle_cols(0, 3)), StateError);
  net.forward(this->x);
  net.backward(this->x.middle_cols(0, 3));
}

TYPED_TEST(Views, OfAConvertedNetwork) {
  using Other = std::conditional_t<std::is_same_v<TypeParam, float>, double, float>;
  Network<TypeParam> net = this->make();
  net.layer(0).set_trainable(false);
  net.layer(1).set_lr_scale(0.5);
  net.layer(1).set_bias_lr_scale(0.25);
  Network<Other> other = net.template converted<Other>();
  EXPECT_TRUE(std::ranges::equal(other.sizes(), net.sizes()));
  EXPECT_EQ(other.spec(0).trainable, false);
  EXPECT_EQ(other.spec(1).lr_scale, 0.5);
  EXPECT_EQ(other.spec(1).bias_lr_scale, 0.25);
  EXPECT_EQ(other.spec(0).activation, net.spec(0).activation);
  EXPECT_TRUE(std::ranges::equal(other.parameters(), net.parameters(), {}, {},
                                 [](TypeParam parameter) { return static_cast<Other>(parameter); }));
}

TYPED_TEST(Views, OfALayerWithoutBiases) {
  Network<TypeParam> net = this->make();
  EXPECT_EQ(net.layer(0).bias().size(), 5U);
  EXPECT_EQ(net.layer(0).bias_grad().size(), 5U);
  EXPECT_TRUE(net.layer(1).bias().empty());
  EXPECT_TRUE(net.layer(1).bias_grad().empty());
  EXPECT_EQ(&net.layer(1).weight(2, 4), &net.parameters().back());
  EXPECT_EQ(&net.layer(1).weight_grad(2, 4), &net.gradients().back());
  EXPECT_THROW((void)net.layer(2), std::out_of_range);
}

TYPED_TEST(Views, AssignmentsKeepWhatTheyAssign) {
  using T = TypeParam;
  Network<T> one = this->make(1);
  Network<T> two = this->make(2);
  const std::vector<T> of_one = this->copied(one.parameters());
  const std::vector<T> of_two = this->copied(two.parameters());
  ASSERT_NE(of_one, of_two);
  Network<T>& itself = one;
  one = itself;
  EXPECT_EQ(this->copied(one.parameters()), of_one);
  one = two;
  EXPECT_EQ(this->copied(one.parameters()), of_two);
  one.parameters()[0] += T(1);
  EXPECT_EQ(this->copied(two.parameters()), of_two) << "a copy shares no memory";
  const T* const address = two.parameters().data();
  one = std::move(two);
  EXPECT_EQ(one.parameters().data(), address) << "a move keeps addresses";
  const Network<T>& constant = one;
  EXPECT_EQ(constant.gradients().size(), constant.parameters().size());
}

TYPED_TEST(Views, WorkspacesMoveAndServeAnyBatchAndNumberOfThreads) {
  using T = TypeParam;
  const Network<T> net = this->make();
  Workspace<T> first = net.make_workspace(2);
  Workspace<T> second = net.make_workspace(7);
  EXPECT_GE(second.max_batch(), 7U);
  second = std::move(first);
  Workspace<T> third(std::move(second));
  EXPECT_GE(third.max_batch(), 2U);
  std::vector<T> expected(18);
  std::vector<T> out(18);
  net.predict(this->x, MatrixView<T>(expected.data(), 6, 3));
  for (const int threads : {0, 1, 2, 1000000}) {
    net.predict(this->x, MatrixView<T>(out.data(), 6, 3), third, threads);
    EXPECT_EQ(out, expected);
    std::vector<T> own(18);
    net.predict(this->x, MatrixView<T>(own.data(), 6, 3), threads);
    EXPECT_EQ(own, expected);
  }
}

/// An elementwise function of a matrix with gaps between its rows changes only the rows.
TYPED_TEST(Views, ActivationsOfMatricesWithGaps) {
  using T = TypeParam;
  const std::vector<T> z{-1, 2, 9, -3, 4, 9};
  const ConstMatrixView<T> gaps(z.data(), 2, 2, 3);
  std::vector<T> dense(4, T(7));
  Activation::relu().apply(gaps, MatrixView<T>(dense.data(), 2, 2));
  EXPECT_EQ(dense, (std::vector<T>{0, 2, 0, 4}));
  std::vector<T> out(6, T(7));
  Activation::relu().apply(ConstMatrixView<T>(dense.data(), 2, 2), MatrixView<T>(out.data(), 2, 2, 3));
  EXPECT_EQ(out, (std::vector<T>{0, 2, 7, 0, 4, 7}));
}

/// If a user's function throws, there is no forward pass, the dropout pass is not counted, and nothing else changes.
TYPED_TEST(Views, AfterAFunctionThatThrowsThereIsNoForwardPass) {
  using T = TypeParam;
  bool fails = false;
  const auto value = [&](double z) { return fails ? throw std::runtime_error("value") : z; };
  Network<T> net({.sizes = {4, 5, 3},
                  .activation = Activation::custom(value, [](double) { return 1.0; }),
                  .dropout = 0.5,
                  .seed = 1});
  net.forward(this->x, true);
  EXPECT_EQ(net.dropout_state().pass, 1U);
  const std::vector<T> parameters = this->copied(net.parameters());
  fails = true;
  EXPECT_THROW(net.forward(this->x, true), std::runtime_error);
  EXPECT_THROW(net.backward(this->x.middle_cols(0, 3)), StateError);
  fails = false;
  CustomLoss loss;
  const auto failing = [](auto, auto, auto) -> double { throw std::runtime_error("loss"); };
  loss.function_f32 = failing;
  loss.function_f64 = failing;
  SGD sgd;
  EXPECT_THROW(net.train_step(this->x, this->x.middle_cols(0, 3), loss, sgd), std::runtime_error);
  EXPECT_THROW((void)net.loss_and_gradient(this->x, this->x.middle_cols(0, 3), loss), std::runtime_error);
  EXPECT_EQ(net.dropout_state().pass, 1U);
  EXPECT_EQ(this->copied(net.parameters()), parameters);
}

TEST(ActivationFactories, AreTheirNames) {
#define BACKPASS_FACTORY(name, ...) Activation::name(),
  const std::vector<Activation> all{BACKPASS_ACTIVATIONS(BACKPASS_FACTORY, BACKPASS_FACTORY)};
#undef BACKPASS_FACTORY
  ASSERT_EQ(all.size(), Activation::names().size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].name(), Activation::names()[i]);
    EXPECT_EQ(all[i], Activation::from_name(Activation::names()[i]));
  }
}

}  // namespace
}  // namespace backpass
