#include <gtest/gtest.h>

#include <backpass/network.hpp>

namespace backpass {
namespace {

TEST(Summary, IsATableOfLayers) {
  Network<float> net({.sizes = {784, 128, 10}, .output = Activation::softmax(), .seed = 0});
  EXPECT_EQ(net.summary(),
            "layer  shape       activation  parameters    bytes\n"
            "--------------------------------------------------\n"
            "1      784 -> 128  relu           100,480  401,920\n"
            "2      128 -> 10   softmax          1,290    5,160\n"
            "--------------------------------------------------\n"
            "total              float32        101,770  407,080");
}

TEST(Summary, NamesParametersAndFrozenLayers) {
  Network<double> net({.sizes = {5, 7, 7, 3},
                       .activation = {Activation::leaky_relu(), Activation::elu(2), Activation::identity()},
                       .bias = false,
                       .seed = 0});
  net.layer(1).set_trainable(false);
  const std::string table = net.summary();
  EXPECT_NE(table.find("leaky_relu(0.01)          35    280\n"), std::string::npos) << table;
  EXPECT_NE(table.find("elu(2.0), frozen"), std::string::npos) << table;
  EXPECT_NE(table.find("float64"), std::string::npos) << table;
}

}  // namespace
}  // namespace backpass
