// Which kernel sets exist, which one runs, and that each table is complete.
#include "kernels/dispatch.hpp"

#include <array>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

#include "environment.hpp"
#include "kernels/cpu_features.hpp"
#include "kernels/kernel_sets.hpp"

namespace backpass::kernels {
namespace {

// Kernel sets are constant-initialised, so static objects may use them during their initialisation.
const char* const name_during_static_initialisation = built().front()->name;

TEST(Dispatch, BaselineIsBuiltFirstAndUsable) {
  ASSERT_FALSE(built().empty());
  EXPECT_STREQ(built().front()->name, "baseline");
  EXPECT_TRUE(usable(*built().front()));
  EXPECT_STREQ(name_during_static_initialisation, "baseline");
}

TEST(Dispatch, TablesOfDifferentSetsShareNoFunction) {
  for (std::size_t i = 0; i < built().size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      EXPECT_STRNE(built()[i]->name, built()[j]->name);
      EXPECT_NE(built()[i]->f32.gemm, built()[j]->f32.gemm);
      EXPECT_NE(built()[i]->f64.softmax, built()[j]->f64.softmax);
    }
  }
}

TEST(Dispatch, ASetThatWantsAFeatureTheCpuLacksIsNotUsable) {
  KernelSet set = *built().front();
  EXPECT_TRUE(usable(set));
  for (uint32_t feature = 1; feature != 0; feature <<= 1) {
    set.features = feature;
    EXPECT_EQ(usable(set), (cpu_features() & feature) != 0) << "bit " << feature;
  }
  set.features = ~cpu_features();
  EXPECT_FALSE(usable(set));
}

#if defined(__x86_64__) && defined(__linux__)
/// Linux lists the features that both CPUID and the operating system support.
TEST(Dispatch, FeaturesAreThoseThatLinuxReports) {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line) && !line.starts_with("flags")) {
  }
  ASSERT_TRUE(line.starts_with("flags"));
  std::istringstream words(line);
  std::string listed = " ";
  for (std::string word; words >> word;) {
    listed += word + ' ';
  }
  constexpr std::array<std::pair<CpuFeature, const char*>, 18> kNames{{{kSse3, "pni"},
                                                                       {kSsse3, "ssse3"},
                                                                       {kSse41, "sse4_1"},
                                                                       {kSse42, "sse4_2"},
                                                                       {kPopcnt, "popcnt"},
                                                                       {kAvx, "avx"},
                                                                       {kAvx2, "avx2"},
                                                                       {kFma, "fma"},
                                                                       {kF16c, "f16c"},
                                                                       {kBmi, "bmi1"},
                                                                       {kBmi2, "bmi2"},
                                                                       {kLzcnt, "abm"},
                                                                       {kMovbe, "movbe"},
                                                                       {kAvx512f, "avx512f"},
                                                                       {kAvx512bw, "avx512bw"},
                                                                       {kAvx512cd, "avx512cd"},
                                                                       {kAvx512dq, "avx512dq"},
                                                                       {kAvx512vl, "avx512vl"}}};
  for (const auto& [feature, name] : kNames) {
    const bool has = listed.find(' ' + std::string(name) + ' ') != std::string::npos;
    EXPECT_EQ((cpu_features() & feature) != 0, has) << name;
  }
}

TEST(Dispatch, SetsStateTheFeaturesOfTheirName) {
  for (const KernelSet* set : built()) {
    const std::string name = set->name;
    EXPECT_EQ((set->features & kAvx2) != 0, name != "baseline") << name;
    EXPECT_EQ((set->features & kFma) != 0, name != "baseline") << name;
    EXPECT_EQ((set->features & kAvx512f) != 0, name == "avx512") << name;
    EXPECT_EQ(set->features & (kMovbe | kLzcnt), 0U) << name << ": no kernel needs these";
  }
}
#endif

/// Runs active() in a fresh process, which decides again, and exits with 0 if the set is `expected`.
void exit_if_active_is(const char* forced, const std::string& expected) {
  test::set_variable("BACKPASS_ISA", forced);
  try {
    std::_Exit(active().name == expected ? 0 : 1);
  } catch (const std::runtime_error& error) {
    const std::string message = error.what();
    const bool names_both = message.find(forced) != std::string::npos && message.find("baseline") != std::string::npos;
    std::_Exit(names_both ? 2 : 3);
  }
}

TEST(DispatchDeathTest, EnvironmentForcesASet) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const KernelSet* set : usable_sets()) {
    EXPECT_EXIT(exit_if_active_is(set->name, set->name), testing::ExitedWithCode(0), "") << set->name;
  }
}

TEST(DispatchDeathTest, WithoutOneTheFastestUsableSetRuns) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(exit_if_active_is("", usable_sets().back()->name), testing::ExitedWithCode(0), "");
}

TEST(DispatchDeathTest, AnUnknownSetIsAnErrorThatListsTheUsableOnes) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(exit_if_active_is("mmx", "none"), testing::ExitedWithCode(2), "");
}

class KernelTableOfSet : public KernelTest {};
BACKPASS_FOR_USABLE_SETS(KernelTableOfSet);

/// The number of lanes shows that a table belongs to its name.
TEST_P(KernelTableOfSet, HasTheVectorsOfItsInstructionSet) {
  const std::string name = GetParam()->name;
  const int bytes = name == "avx512" ? 64 : name == "avx2" ? 32 : 16;
  EXPECT_EQ(table<float>().lanes, bytes / 4);
  EXPECT_EQ(table<double>().lanes, bytes / 8);
}

template <class T>
void expect_complete(const KernelTable<T>& t) {
  EXPECT_GT(t.tile_rows, 0);
  EXPECT_EQ(t.panel_cols % t.lanes, 0);
  EXPECT_TRUE(t.gemm && t.gemm_few_rows && t.multiply_row && t.pack && t.pack_transposed);
  for (int i = 0; i < kElementwiseActivations; ++i) {
    EXPECT_TRUE(t.activate[i] && t.activate_gradient[i]) << "activation " << i;
  }
  for (int i = 0; i < kLossKernels; ++i) {
    EXPECT_TRUE(t.loss[i]) << "loss " << i;
  }
  EXPECT_TRUE(t.softmax && t.log_softmax && t.softmax_gradient && t.log_softmax_gradient);
  EXPECT_TRUE(t.dropout && t.sum_squares && t.add && t.scale && t.clamp && t.add_penalty);
}

TEST_P(KernelTableOfSet, IsComplete) {
  expect_complete(table<float>());
  expect_complete(table<double>());
}

}  // namespace
}  // namespace backpass::kernels
