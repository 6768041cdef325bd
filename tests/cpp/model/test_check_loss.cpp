// A loss that does not fit the output activation, targets that do not fit the loss, and names that are almost right.
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <backpass/backpass.hpp>

#include "base/text.hpp"
#include "definitions/losses.hpp"

namespace backpass {
namespace {

template <class Call>
std::string complaint(const Call& call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

/// The message of every call with a loss. They must be the same.
std::string complaint_about(const Activation& output, const Loss& loss, std::vector<double> values,
                            std::size_t outputs = 2) {
  Network<double> net({.sizes = {1, outputs}, .output = output, .seed = 0});
  const std::vector<double> x(values.size() / outputs, 0.5);
  const ConstMatrixView<double> X(x.data(), x.size(), 1);
  const ConstMatrixView<double> Y(values.data(), x.size(), outputs);
  Adam adam;
  const std::string message = complaint([&] { (void)net.evaluate(X, Y, loss); });
  EXPECT_EQ(complaint([&] { (void)net.loss_and_gradient(X, Y, loss); }), message);
  EXPECT_EQ(complaint([&] { net.train_step(X, Y, loss, adam); }), message);
  EXPECT_EQ(complaint([&] { (void)net.fit(X, Y, loss, adam, {.epochs = 1}); }), message);
  return message;
}

TEST(CheckLoss, EveryPairIsFineOrRefused) {
  for (const std::string& loss : loss_names()) {
    for (const std::string_view name : Activation::names()) {
      const Activation output = Activation::from_name(name);
      const std::string message = complaint_about(output, loss_from_name(loss), {0.25, 0.75});
      EXPECT_EQ(message.empty(), definitions::fits(loss, output.outputs())) << loss << ", " << name << ": " << message;
      if (!message.empty()) {
        EXPECT_NE(message.find("the output activation is " + std::string(name) + "; use "), std::string::npos)
            << message;
      }
    }
  }
}

TEST(CheckLoss, OneOutputOfASoftmaxIsRefused) {
  EXPECT_NE(complaint_about(Activation::softmax(), MeanSquaredError{}, {1, 0}, 1), "");
  EXPECT_NE(complaint_about(Activation::log_softmax(), CrossEntropy{}, {1, 1}, 1), "");
  EXPECT_NE(complaint_about(Activation::identity(), SoftmaxCrossEntropy{}, {1, 1}, 1), "");
  EXPECT_EQ(complaint_about(Activation::sigmoid(), BinaryCrossEntropy{}, {1, 0}, 1), "");
}

TEST(CheckLoss, CustomFunctionsFitEveryOutput) {
  const Activation custom = Activation::custom([](double z) { return z * z + 1.0; }, [](double z) { return 2.0 * z; });
  EXPECT_EQ(complaint_about(custom, CrossEntropy{}, {0.5, 0.5}), "");
}

TEST(CheckLoss, TargetsOutsideTheDomainAreRefused) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Activation sigmoid = Activation::sigmoid();
  EXPECT_EQ(complaint_about(sigmoid, BinaryCrossEntropy{}, {0, 1, 0.5, 1}), "");
  EXPECT_EQ(
      complaint_about(sigmoid, BinaryCrossEntropy{}, {0, 1, 0.5, -1}),
      "binary_cross_entropy expects targets in [0, 1], but y[1, 1] = -1; for the labels -1 and 1 use (y + 1) / 2");
  EXPECT_NE(complaint_about(sigmoid, BinaryCrossEntropy{}, {1, 2, 1, 1}).find("use y - 1"), std::string::npos);
  EXPECT_EQ(complaint_about(Activation::softmax(), CrossEntropy{}, {0.2, 0.8005, 1, 0}), "");
  EXPECT_EQ(complaint_about(Activation::softmax(), CrossEntropy{}, {0.25, 0.75, 0.5, 1}),
            "cross_entropy expects targets that are labels or distributions, but the sum of row 1 of y is 1.5, not 1");
  EXPECT_NE(complaint_about(Activation::softmax(), CrossEntropy{}, {-0.25, 1.25}), "");
  EXPECT_NE(complaint_about(Activation::exp(), Poisson{}, {3, -1}), "");
  EXPECT_EQ(complaint_about(Activation::exp(), Poisson{}, {3, 1e6}), "");
  // numbers.md: a target that is NaN gives a loss that is NaN. fit then stops with an error.
  Network<double> net({.sizes = {1, 2}, .output = Activation::sigmoid(), .seed = 0});
  const std::vector<double> x{1};
  const std::vector<double> y{nan, 1};
  EXPECT_TRUE(std::isnan(net.evaluate(ConstMatrixView<double>(x.data(), 1, 1), ConstMatrixView<double>(y.data(), 1, 2),
                                      BinaryCrossEntropy{})));
}

TEST(CheckLoss, LabelsThatStartAtOne) {
  Network<float> net({.sizes = {1, 3}, .output = Activation::softmax(), .seed = 0});
  const std::vector<float> x{1, 2, 3};
  const auto message = [&](const std::vector<std::int64_t>& labels) {
    return complaint([&] { (void)net.evaluate(ConstMatrixView<float>(x.data(), 3, 1), labels, CrossEntropy{}); });
  };
  EXPECT_EQ(message({0, 1, 2}), "");
  EXPECT_EQ(
      message({1, 3, 2}),
      "label y[1] = 3 is out of range for 3 outputs (0 to 2); labels start at 0, and these look like 1 to 3: use y "
      "- 1");
  EXPECT_EQ(message({0, 3, 2}), "label y[1] = 3 is out of range for 3 outputs (0 to 2)");
  EXPECT_EQ(message({1, 2, 4}), "label y[2] = 4 is out of range for 3 outputs (0 to 2)");
}

TEST(Names, LetterCaseAndSeparatorsDoNotMatter) {
  EXPECT_EQ(Activation::from_name("ReLU"), Activation::relu());
  EXPECT_EQ(Activation::from_name("Log-Softmax"), Activation::log_softmax());
  EXPECT_EQ(Initializer::from_name("HeNormal").kind, InitializerKind::he_normal);
  EXPECT_EQ(loss_name(loss_from_name("MSE")), "mse");
  EXPECT_EQ(loss_name(loss_from_name("CrossEntropy")), "cross_entropy");
  EXPECT_TRUE(std::holds_alternative<AdamW>(optimizer_from_name("ADAMW")));
  EXPECT_EQ(metric_from_name("Accuracy"), Metric::accuracy);
}

TEST(Names, TheClosestNameIsSuggested) {
  const auto hint = [](std::string_view name) { return complaint([&] { (void)Activation::from_name(name); }); };
  EXPECT_NE(hint("rulu").find("unknown activation \"rulu\" (did you mean \"relu\"?); there are: identity, "),
            std::string::npos);
  EXPECT_NE(hint("sigmiod").find("did you mean \"sigmoid\"?"), std::string::npos);
  EXPECT_EQ(hint("conv2d").find("did you mean"), std::string::npos);
}

TEST(Names, DistanceCountsInsertionsDeletionsReplacementsAndSwaps) {
  EXPECT_EQ(name_distance("", ""), 0U);
  EXPECT_EQ(name_distance("", "abc"), 3U);
  EXPECT_EQ(name_distance("He_Normal", "henormal"), 0U);
  EXPECT_EQ(name_distance("relu", "relux"), 1U);
  EXPECT_EQ(name_distance("relu", "rel"), 1U);
  EXPECT_EQ(name_distance("relu", "rely"), 1U);
  EXPECT_EQ(name_distance("relu", "rleu"), 1U);
  EXPECT_EQ(name_distance("kitten", "sitting"), 3U);
}

}  // namespace
}  // namespace backpass
