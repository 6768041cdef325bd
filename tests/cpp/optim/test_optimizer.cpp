#include <backpass/optimizer.hpp>

#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

namespace backpass {
namespace {

std::string lowered(std::string text) {
  for (char& c : text) {
    c = static_cast<char>(std::tolower(c));
  }
  return text;
}

TEST(OptimizerFromName, LowerCaseOrAsWritten) {
  for (const std::string& name : optimizer_names()) {
    Optimizer optimizer = optimizer_from_name(name);
    const std::string full(OptimizerRef(optimizer).name());
    EXPECT_EQ(lowered(full), name);
    Optimizer same = optimizer_from_name(full);
    EXPECT_EQ(OptimizerRef(same).name(), full);
  }
  EXPECT_DOUBLE_EQ(std::get<NAdam>(optimizer_from_name("nadam")).lr, 2e-3);
}

TEST(OptimizerFromName, UnknownNamesAreAnErrorThatListsTheKnown) {
  std::string known;
  for (const std::string& name : optimizer_names()) {
    known += (known.empty() ? "" : ", ") + name;
  }
  for (const char* name : {"", "x", "adm", "adamx"}) {
    try {
      (void)optimizer_from_name(name);
      ADD_FAILURE() << name;
    } catch (const std::invalid_argument& error) {
      const std::string hint = std::string(name).size() > 1 ? " (did you mean \"adam\"?)" : "";
      EXPECT_EQ(std::string(error.what()),
                "unknown optimizer \"" + std::string(name) + "\"" + hint + "; there are: " + known);
    }
  }
}

// The defaults of torch.optim.
TEST(Defaults, ArePyTorchs) {
  EXPECT_EQ(SGD{}.lr, 1e-3);
  EXPECT_EQ(RMSprop{}.lr, 1e-2);
  EXPECT_EQ(RMSprop{}.alpha, 0.99);
  EXPECT_EQ(Adagrad{}.lr, 1e-2);
  EXPECT_EQ(Adagrad{}.eps, 1e-10);
  EXPECT_EQ(Adam{}.lr, 1e-3);
  EXPECT_EQ(Adam{}.weight_decay, 0.0);
  EXPECT_EQ(AdamW{}.weight_decay, 1e-2);
  EXPECT_EQ(NAdam{}.lr, 2e-3);
  EXPECT_EQ(NAdam{}.momentum_decay, 4e-3);
  EXPECT_EQ(Rprop{}.lr, 1e-2);
  EXPECT_EQ(Rprop{}.eta_minus, 0.5);
  EXPECT_EQ(Rprop{}.eta_plus, 1.2);
  EXPECT_EQ(Rprop{}.step_min, 1e-6);
  EXPECT_EQ(Rprop{}.step_max, 50.0);
}

}  // namespace
}  // namespace backpass
