// Wrong use of the C++ interface gives an error with a message, and changes nothing.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <backpass/backpass.hpp>

#include "model/require_matrix.hpp"

namespace backpass {
namespace {

constexpr std::size_t kRows = 5;

Network<float> make_network(std::vector<std::size_t> sizes = {3, 4, 3}) {
  return Network<float>({.sizes = std::move(sizes), .activation = Activation::tanh(), .seed = 1});
}

template <class Error, class F>
std::string message_of(F&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// ---- moved-from objects

class MovedFrom : public testing::Test {
 protected:
  void SetUp() override { other_ = std::make_unique<Network<float>>(std::move(net_)); }

  Network<float> net_ = make_network();
  std::unique_ptr<Network<float>> other_;
  std::vector<float> x_ = std::vector<float>(kRows * 3, 0.5F);
  std::vector<float> y_ = std::vector<float>(kRows * 3, 0.5F);
  ConstMatrixView<float> x() { return {x_.data(), kRows, 3}; }
  MatrixView<float> y() { return {y_.data(), kRows, 3}; }
};

TEST_F(MovedFrom, NetworkHasNothing) {
  EXPECT_TRUE(net_.sizes().empty());
  EXPECT_EQ(net_.num_layers(), 0U);
  EXPECT_EQ(net_.num_parameters(), 0U);
  EXPECT_TRUE(net_.parameters().empty());
  EXPECT_TRUE(net_.gradients().empty());
  EXPECT_TRUE(std::as_const(net_).parameters().empty());
  EXPECT_TRUE(std::as_const(net_).gradients().empty());
  EXPECT_EQ(net_.dropout_state().pass, 0U);
  EXPECT_EQ(net_.activation_memory(), nullptr);
}

TEST_F(MovedFrom, EveryCallOfTheNetworkIsAStateError) {
  Adam adam;
  Workspace<float> workspace = other_->make_workspace(kRows);
  EXPECT_THROW((void)net_.copy(), StateError);
  EXPECT_THROW(*other_ = net_, StateError);
  EXPECT_THROW((void)net_.spec(0), StateError);
  EXPECT_THROW((void)net_.layer(0), StateError);
  EXPECT_THROW((void)net_.summary(), StateError);
  EXPECT_THROW(net_.initialize(1), StateError);
  EXPECT_THROW(net_.set_dropout_state({}), StateError);
  EXPECT_THROW(net_.forward(x()), StateError);
  EXPECT_THROW(net_.backward(y()), StateError);
  EXPECT_THROW(net_.step(adam), StateError);
  EXPECT_THROW((void)net_.make_workspace(1), StateError);
  EXPECT_THROW(net_.predict(x(), y()), StateError);
  EXPECT_THROW(net_.predict(x(), y(), workspace), StateError);
  EXPECT_THROW(net_.train_step(x(), y(), MeanSquaredError{}, adam), StateError);
  EXPECT_THROW(net_.loss_and_gradient(x(), y(), MeanSquaredError{}), StateError);
  EXPECT_THROW((void)net_.evaluate(x(), y(), MeanSquaredError{}), StateError);
  EXPECT_THROW(net_.fit(x(), y(), MeanSquaredError{}, adam, FitOptions<float>{}), StateError);
  EXPECT_THROW((void)to_bytes(net_), StateError);
  EXPECT_THROW(net_.save("never_written.safetensors"), StateError);
  EXPECT_THROW((void)gradient_check(net_, x(), y(), MeanSquaredError{}), StateError);
}

TEST_F(MovedFrom, LayerViewsAreEmpty) {
  Layer<float> layer = other_->layer(1);
  const Network<float> taken = std::move(*other_);
  EXPECT_EQ(layer.spec().outputs, 0U);
  EXPECT_EQ(layer.weight_transposed().rows(), 0U);
  EXPECT_EQ(layer.weight_grad_transposed().rows(), 0U);
  EXPECT_TRUE(layer.bias().empty());
  EXPECT_TRUE(layer.bias_grad().empty());
  EXPECT_THROW((void)layer.z(), StateError);
  EXPECT_THROW((void)layer.a(), StateError);
  EXPECT_THROW((void)layer.xi(), StateError);
  EXPECT_THROW(layer.set_trainable(false), StateError);
  EXPECT_THROW(layer.set_lr_scale(1.0), StateError);
  EXPECT_THROW(layer.set_bias_lr_scale(1.0), StateError);
}

TEST_F(MovedFrom, WorkspaceIsAStateError) {
  Workspace<float> workspace = other_->make_workspace(kRows);
  Workspace<float> taken = std::move(workspace);
  EXPECT_EQ(workspace.max_batch(), 0U);  // NOLINT(bugprone-use-after-move): tested here
  EXPECT_THROW(other_->predict(x(), y(), workspace), StateError);
  other_->predict(x(), y(), taken);
}

TEST_F(MovedFrom, ANetworkMayBeAssignedAgain) {
  net_ = *other_;
  EXPECT_EQ(net_.num_layers(), 2U);
  net_.predict(x(), y());
  EXPECT_NE(y_.front(), 0.5F);
}

// ---- matrices

TEST(Matrices, RowsWithoutDataAreAShapeError) {
  Network<float> net = make_network();
  Adam adam;
  std::vector<float> memory(kRows * 3, 0.25F);
  const ConstMatrixView<float> x(memory.data(), kRows, 3);
  const MatrixView<float> y(memory.data(), kRows, 3);
  const MatrixView<float> null(nullptr, kRows, 3);
  EXPECT_THROW(net.forward(null), ShapeError);
  EXPECT_THROW(net.predict(null, y), ShapeError);
  EXPECT_THROW(net.predict(x, null), ShapeError);
  EXPECT_THROW(net.train_step(null, y, MeanSquaredError{}, adam), ShapeError);
  EXPECT_THROW(net.train_step(x, null, MeanSquaredError{}, adam), ShapeError);
  EXPECT_THROW((void)net.evaluate(null, y, MeanSquaredError{}), ShapeError);
  EXPECT_THROW(net.fit(null, y, MeanSquaredError{}, adam, FitOptions<float>{}), ShapeError);
  net.forward(x);
  EXPECT_THROW(net.backward(null), ShapeError);
  EXPECT_THROW((void)evaluate_loss<float>(MeanSquaredError{}, null, y), ShapeError);
  EXPECT_THROW((void)evaluate_loss<float>(MeanSquaredError{}, x, null), ShapeError);
  EXPECT_THROW((void)compute_metric<float>(Metric::mae, null, y), ShapeError);
  EXPECT_THROW((void)compute_metric<float>(Metric::mae, x, null), ShapeError);
  EXPECT_THROW((void)gradient_check(net, null, y, MeanSquaredError{}), ShapeError);
  EXPECT_THROW(Activation::tanh().apply<float>(null, y), ShapeError);
  EXPECT_THROW(Activation::tanh().apply<float>(x, null), ShapeError);
  net.predict(MatrixView<float>(nullptr, 0, 3), MatrixView<float>(nullptr, 0, 3));  // no rows, so null is valid
  EXPECT_EQ(message_of<ShapeError>([&] { net.predict(x, null); }),
            "out has shape (5, 3), but its data pointer is null");
}

TEST(Matrices, OutputRowsMayNotOverlap) {
  Network<float> net = make_network();
  std::vector<float> x(kRows * 3);
  std::vector<float> y(kRows * 3, 7.0F);
  const ConstMatrixView<float> input(x.data(), kRows, 3);
  const MatrixView<float> narrow(y.data(), kRows, 3, 2);
  EXPECT_THROW(net.predict(input, narrow), ShapeError);
  Workspace<float> workspace = net.make_workspace(kRows);
  EXPECT_THROW(net.predict(input, narrow, workspace), ShapeError);
  net.forward(input);
  EXPECT_THROW(net.backward(input, narrow), ShapeError);
  EXPECT_THROW(net.loss_and_gradient(input, input, MeanSquaredError{}, {}, narrow), ShapeError);
  EXPECT_THROW((void)evaluate_loss<float>(MeanSquaredError{}, input, input, narrow), ShapeError);
  EXPECT_THROW(Activation::tanh().apply<float>(input, narrow), ShapeError);
  EXPECT_EQ(y, std::vector<float>(kRows * 3, 7.0F));
}

TEST(Matrices, InputRowsMayOverlap) {
  Network<float> net = make_network();
  const std::array<float, 7> series{0.5F, -1.0F, 2.0F, 0.25F, -0.75F, 1.5F, -2.0F};
  std::vector<float> windows;
  for (std::size_t r = 0; r < kRows; ++r) {
    windows.insert(windows.end(), series.begin() + r, series.begin() + r + 3);
  }
  std::vector<float> expected(kRows * 3);
  std::vector<float> got(kRows * 3);
  net.predict({windows.data(), kRows, 3}, {expected.data(), kRows, 3});
  net.predict({series.data(), kRows, 3, 1}, {got.data(), kRows, 3});
  EXPECT_EQ(got, expected);
}

/// x and out in one array, at every distance: an error exactly if they share an element.
TEST(Matrices, OutputMayNotShareMemoryWithInput) {
  for (const std::vector<std::size_t>& sizes : {std::vector<std::size_t>{3, 2}, {3, 4, 2}}) {
    const Network<float> net = make_network(sizes);
    Workspace<float> workspace = net.make_workspace(kRows);
    for (const std::size_t stride : {3U, 4U, 5U, 6U, 9U}) {
      const std::size_t middle = (kRows + 1) * stride;
      for (std::size_t at = 0; at <= 2 * middle; ++at) {
        std::vector<float> memory(3 * middle + kRows * stride, 0.0F);
        std::vector<int> owner(memory.size());
        bool shared = false;
        for (std::size_t r = 0; r < kRows; ++r) {
          for (std::size_t c = 0; c < 3; ++c) {
            owner[middle + r * stride + c] = 1;
            memory[middle + r * stride + c] = 0.01F * static_cast<float>(r * 7 + c * c);
          }
        }
        for (std::size_t r = 0; r < kRows; ++r) {
          for (std::size_t c = 0; c < 2; ++c) {
            shared = shared || owner[at + r * stride + c] == 1;
          }
        }
        const ConstMatrixView<float> x(memory.data() + middle, kRows, 3, stride);
        const MatrixView<float> out(memory.data() + at, kRows, 2, stride);
        if (shared) {
          const std::vector<float> before = memory;
          EXPECT_THROW(net.predict(x, out), ShapeError) << stride << ' ' << at;
          EXPECT_THROW(net.predict(x, out, workspace), ShapeError) << stride << ' ' << at;
          EXPECT_EQ(memory, before);
          continue;
        }
        std::vector<float> expected(kRows * 2);
        net.predict(x, {expected.data(), kRows, 2});
        net.predict(x, out);
        for (std::size_t r = 0; r < kRows; ++r) {
          EXPECT_EQ(out(r, 0), expected[r * 2]) << stride << ' ' << at;
          EXPECT_EQ(out(r, 1), expected[r * 2 + 1]) << stride << ' ' << at;
        }
      }
    }
  }
}

TEST(Matrices, ElementwiseCallsWorkInPlaceAndRefuseShifts) {
  std::vector<float> memory(20, 0.5F);
  const MatrixView<float> z(memory.data(), 3, 5);
  const MatrixView<float> shifted(memory.data() + 1, 3, 5);
  EXPECT_THROW(Activation::tanh().apply<float>(z, shifted), ShapeError);
  EXPECT_THROW((void)evaluate_loss<float>(MeanSquaredError{}, z, ConstMatrixView<float>(z), shifted), ShapeError);
  Activation::tanh().apply<float>(z, z);
  EXPECT_NEAR(memory[0], std::tanh(0.5F), 1e-6F);
  EXPECT_EQ(memory[15], 0.5F);
}

TEST(Matrices, TargetsAndWeightsMustFitTheRows) {
  Network<float> net = make_network();
  Adam adam;
  std::vector<float> memory(kRows * 3, 0.25F);
  const ConstMatrixView<float> x(memory.data(), kRows, 3);
  const std::vector<std::int32_t> labels(kRows - 1, 1);
  const std::vector<float> weights(kRows - 1, 1.0F);
  const std::span<const float> short_weights(weights);
  EXPECT_THROW(net.train_step(x, labels, SoftmaxCrossEntropy{}, adam), ShapeError);
  EXPECT_THROW((void)net.evaluate(x, labels, SoftmaxCrossEntropy{}), ShapeError);
  EXPECT_THROW((void)compute_metric<float>(Metric::accuracy, x, labels), ShapeError);
  EXPECT_THROW(net.train_step(x, x, MeanSquaredError{}, adam, short_weights), ShapeError);
  EXPECT_THROW((void)net.evaluate(x, x, MeanSquaredError{}, short_weights), ShapeError);
  EXPECT_THROW((void)compute_metric<float>(Metric::mae, x, x, false, short_weights), ShapeError);
}

// ---- the library's own messages, where the standard library would mention vectors

TEST(Messages, LayersAreCountedFromZero) {
  Network<float> net = make_network({3, 4, 5, 3});
  EXPECT_EQ(message_of<std::out_of_range>([&] { (void)net.layer(9); }),
            "layer 9 is out of range: the network has 3 layers, numbered 0 to 2");
  EXPECT_EQ(message_of<std::out_of_range>([&] { (void)net.spec(3); }),
            "layer 3 is out of range: the network has 3 layers, numbered 0 to 2");
  Network<float> single = make_network({3, 4});
  EXPECT_EQ(message_of<std::out_of_range>([&] { (void)single.layer(1); }),
            "layer 1 is out of range: the network has one layer, number 0");
}

TEST(Messages, ListsOfOptionsNameTheirLength) {
  const PerLayer<double> list{0.1, 0.2};
  EXPECT_EQ(message_of<std::out_of_range>([&] { (void)list[2]; }), "entry 2 is out of range: the list has 2 entries");
  const PerLayer<double> empty(std::vector<double>{});
  EXPECT_EQ(message_of<std::out_of_range>([&] { (void)empty[0]; }), "entry 0 is out of range: the list has 0 entries");
  const PerLayer<double> one = 0.5;
  EXPECT_EQ(one[100], 0.5);
}

TEST(Messages, HistoryNamesTheSeries) {
  EXPECT_EQ(message_of<std::out_of_range>([] { (void)History{}["val_loss"]; }), "history has no series \"val_loss\"");
}

}  // namespace
}  // namespace backpass
