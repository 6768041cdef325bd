// Training by several processes: the bits of one process with the same shards, for any distribution of the rows.
#include <backpass/backpass.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <limits>
#include <mutex>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "train/group.hpp"
#include "train/partition.hpp"
#include "train/task.hpp"
#include "train/thread_ranks.hpp"

namespace backpass {
namespace {

TEST(Group, SumsInATreeAndKeepsTheOrderOfRanks) {
  for (const int size : {1, 2, 4, 8}) {
    for (const std::size_t count : {0, 1, 2, 7, 1000}) {
      const auto number = [](std::size_t rank, std::size_t i) {
        return 0.1 * static_cast<double>(rank * 31 + i) + 1.0;
      };
      std::vector<double> expected(count);
      for (std::size_t i = 0; i < count; ++i) {
        std::vector<double> terms;
        for (std::size_t r = 0; r < static_cast<std::size_t>(size); ++r) {
          terms.push_back(number(r, i));
        }
        for (; terms.size() > 1; terms.resize(terms.size() / 2)) {
          for (std::size_t t = 0; t < terms.size() / 2; ++t) {
            terms[t] = terms[2 * t] + terms[2 * t + 1];
          }
        }
        expected[i] = terms[0];
      }
      const auto errors = on_ranks(size, [&](Communicator& communicator) {
        train::Group group(&communicator);
        std::vector<double> own(count);
        for (std::size_t i = 0; i < count; ++i) {
          own[i] = number(group.rank(), i);
        }
        const std::vector<std::byte> all =
            group.gather(std::as_bytes(std::span(own)).first(8 * std::min(count, group.rank())));
        std::size_t bytes = 0;
        for (std::size_t r = 0; r < group.size(); ++r) {
          for (std::size_t i = 0; i < std::min(count, r); ++i, bytes += 8) {
            double value = 0.0;
            std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(bytes), 8,
                        std::as_writable_bytes(std::span(&value, 1)).begin());
            EXPECT_EQ(value, number(r, i));
          }
        }
        EXPECT_EQ(all.size(), bytes);
        group.sum(std::span(own));
        EXPECT_EQ(own, expected);
        std::vector<double> largest{static_cast<double>(group.rank())};
        group.max(largest);
        EXPECT_EQ(largest[0], size - 1);
        std::vector<std::vector<std::byte>> to(group.size());
        for (std::size_t r = 0; r < group.size(); ++r) {
          to[r].assign(r + 10 * group.rank(), static_cast<std::byte>(r));
        }
        const auto from = group.distribute(to);
        for (std::size_t r = 0; r < group.size(); ++r) {
          EXPECT_EQ(from[r], std::vector<std::byte>(group.rank() + 10 * r, static_cast<std::byte>(group.rank())));
        }
        std::vector<std::byte> text(5, static_cast<std::byte>(group.rank() + 1));
        group.broadcast(text);
        EXPECT_EQ(text, std::vector<std::byte>(5, std::byte{1}));
      });
      EXPECT_EQ(errors, std::vector<std::string>(static_cast<std::size_t>(size)));
    }
  }
}

TEST(Group, AFailureReachesEveryRank) {
  const auto errors = on_ranks(4, [&](Communicator& communicator) {
    train::Group group(&communicator);
    if (group.rank() == 2) {
      group.fail("no memory");
      throw std::runtime_error("no memory");
    }
    std::vector<double> numbers(10);
    group.sum(std::span(numbers));
  });
  EXPECT_EQ(errors,
            (std::vector<std::string>{"rank 2: no memory", "rank 2: no memory", "no memory", "rank 2: no memory"}));
}

TEST(Partition, RunsAreTheRowsOfTheShards) {
  for (const std::size_t batch_size : {1, 3, 8, 11, 40, 1000}) {
    for (const std::size_t rows : {1, 7, 40, 43, 703}) {
      for (const std::size_t shards : {1, 4, 32}) {
        for (std::size_t ranks = 1; ranks <= shards; ranks *= 2) {
          std::size_t all = 0;
          const std::size_t parts = shards / ranks;
          for (std::size_t rank = 0; rank < ranks; ++rank) {
            const train::Partition own(rows, batch_size, shards, rank * parts, (rank + 1) * parts);
            all += own.rows();
            // The shard of each own row, from the numbers in the data set.
            std::vector<std::size_t> expected;
            for (std::size_t batch = 0; batch < own.batches(); ++batch) {
              for (std::size_t row = 0; row < own.rows(batch).count(); ++row) {
                expected.push_back(own.shard_of(own.first_row(batch) + row) - rank * parts);
              }
            }
            ASSERT_EQ(expected.size(), own.rows());
            for (std::size_t begin = 0; begin <= own.rows(); begin += 1 + begin / 3) {
              std::vector<std::size_t> found;
              own.for_runs(begin, own.rows(), [&](std::size_t part, pass::Rows run) {
                EXPECT_EQ(run.begin, begin + found.size());
                found.insert(found.end(), run.count(), part);
              });
              EXPECT_TRUE(std::equal(found.begin(), found.end(), expected.begin() + static_cast<std::ptrdiff_t>(begin),
                                     expected.end()));
            }
          }
          EXPECT_EQ(all, rows);
        }
      }
    }
  }
}

/// A training in one process or several.
template <class T>
struct Training {
  std::size_t rows = 203;
  std::vector<T> x, y, weights;
  std::vector<std::int32_t> labels;
  bool classes = false;
  FitOptions<T> options{
      .epochs = 3, .batch_size = 32, .validation_split = 0.2, .gradient = {.l2 = 1e-3, .clip_norm = 0.5}, .seed = 9};

  explicit Training(bool classification)
      : x(rows * 4), y(rows * 2), weights(rows), labels(rows), classes(classification) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = static_cast<T>((i * 37 % 101)) / T(50) - T(1);
    }
    for (std::size_t r = 0; r < rows; ++r) {
      y[2 * r] = x[4 * r] * x[4 * r + 1];
      y[2 * r + 1] = x[4 * r + 2] - x[4 * r + 3];
      labels[r] = y[2 * r] > y[2 * r + 1] ? 1 : 0;
      weights[r] = static_cast<T>(r % 3);
    }
    options.metrics = classes ? std::vector{Metric::accuracy} : std::vector{Metric::r2, Metric::mae};
  }
  [[nodiscard]] Targets<T> targets() const {
    return classes ? Targets<T>(labels) : Targets<T>(ConstMatrixView<T>(y.data(), rows, 2));
  }
  [[nodiscard]] Loss loss() const { return classes ? Loss(SoftmaxCrossEntropy{}) : Loss(MeanSquaredError{}); }
  [[nodiscard]] Network<T> network() const {
    return Network<T>({.sizes = {4, 16, 2}, .activation = Activation::tanh(), .dropout = 0.2, .seed = 3});
  }
  /// Trains with rows [first, last).
  History fit(Network<T>& net, std::size_t first, std::size_t last, FitOptions<T> own) const {
    Adam adam{.lr = 0.01};
    if (!own.sample_weight.empty()) {
      own.sample_weight = own.sample_weight.subspan(first, last - first);
    }
    return net.fit(ConstMatrixView<T>(x.data(), rows, 4).middle_rows(first, last - first),
                   targets().middle_rows(first, last - first), loss(), adam, own);
  }
};

template <class T>
class Ranks : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Ranks, Types);

TYPED_TEST(Ranks, HaveTheBitsOfOneProcess) {
  using T = TypeParam;
  for (const bool classes : {false, true}) {
    Training<T> training(classes);
    for (const bool weighted : {false, true}) {
      training.options.sample_weight = weighted ? std::span<const T>(training.weights) : std::span<const T>();
      training.options.shards = 8;
      Network<T> one = training.network();
      const History expected = training.fit(one, 0, training.rows, training.options);
      for (const int size : {2, 4, 8}) {
        for (const bool uneven : {false, true}) {
          SCOPED_TRACE(std::to_string(size) + " ranks");
          std::mutex mutex;
          const auto errors = on_ranks(size, [&](Communicator& communicator) {
            FitOptions<T> own = training.options;
            own.communicator = &communicator;
            const auto rank = static_cast<std::size_t>(communicator.rank());
            const auto n = static_cast<std::size_t>(size);
            // Uneven: the first rank has no rows, the last one most of them.
            const std::size_t begin = uneven ? 5 * (rank == 0 ? 0 : rank - 1) : training.rows * rank / n;
            const std::size_t end =
                uneven ? (rank + 1 == n ? training.rows : 5 * rank) : training.rows * (rank + 1) / n;
            Network<T> net = training.network();
            if (rank > 0) {
              net.initialize(rank);  // rank 0 decides
            }
            const History history = training.fit(net, begin, end, own);
            const std::lock_guard lock(mutex);
            expect_same(history, expected);
            EXPECT_TRUE(std::ranges::equal(net.parameters(), one.parameters()));
            EXPECT_EQ(net.dropout_state().pass, one.dropout_state().pass);
          });
          EXPECT_EQ(errors, std::vector<std::string>(static_cast<std::size_t>(size)));
        }
      }
    }
  }
}

TEST(RanksOfOneProcess, OneShardHasTheBitsOfFit) {
  const Training<double> training(false);
  Network<double> plain = training.network();
  Network<double> shards = training.network();
  FitOptions<double> own = training.options;
  const History expected = training.fit(plain, 0, training.rows, own);
  own.shards = 1;
  expect_same(training.fit(shards, 0, training.rows, own), expected);
  EXPECT_TRUE(std::ranges::equal(plain.parameters(), shards.parameters()));
}

using Change = std::function<void(FitOptions<double>&, Network<double>&, int)>;

/// The errors of four ranks, whose networks and optimizers have not changed.
std::vector<std::string> errors_of(const Change& change) {
  const Training<double> training(false);
  return on_ranks(4, [&](Communicator& communicator) {
    FitOptions<double> own = training.options;
    own.communicator = &communicator;
    Network<double> net = training.network();
    change(own, net, communicator.rank());
    const std::vector<double> before(net.parameters().begin(), net.parameters().end());
    try {
      training.fit(net, 0, 20, own);
    } catch (...) {
      EXPECT_TRUE(std::ranges::equal(net.parameters(), before));
      throw;
    }
  });
}

std::vector<std::string> from_rank(int rank, const std::string& text) {
  std::vector<std::string> errors(4, "rank " + std::to_string(rank) + ": " + text);
  errors[static_cast<std::size_t>(rank)] = text;
  return errors;
}

TEST(RanksFailing, EveryRankGetsTheErrorOfOne) {
  EXPECT_EQ(errors_of([](auto& own, auto&, int rank) { own.batch_size = rank == 3 ? 0 : 32; }),
            from_rank(3, "fit: batch_size = 0, but it must be at least 1"));
  EXPECT_EQ(errors_of([](auto& own, auto&, int rank) {
              if (rank == 1) {
                own.resume_from = "/no/such/file";
              }
            })[1]
                .substr(0, 11),
            "cannot read");
  EXPECT_EQ(errors_of([](auto& own, auto&, int rank) {
              if (rank == 0) {
                own.on_begin = [](const BeginReport&) { throw std::runtime_error("not today"); };
              }
              own.epochs = 0;
            }),
            from_rank(0, "not today"));
  const auto errors = errors_of([](auto& own, auto&, int) { own.shards = 2; });
  EXPECT_EQ(errors[0], "shards = 2, but there are 4 processes: each needs at least one shard; use shards=4");
}

TEST(RanksFailing, ErrorsWithinTheTraining) {
  const Training<double> training(false);
  const auto run = [&](const std::function<void(FitOptions<double>&, int)>& change) {
    return on_ranks(4, [&](Communicator& communicator) {
      FitOptions<double> own = training.options;
      own.communicator = &communicator;
      change(own, communicator.rank());
      Network<double> net = training.network();
      training.fit(net, 0, 20, own);
    });
  };
  EXPECT_EQ(run([](auto& own, int) {
              own.on_epoch_end = [](const EpochReport& report) -> bool {
                return report.epoch == 2 ? throw std::runtime_error("disk full") : false;
              };
            }),
            from_rank(0, "disk full"));
  EXPECT_EQ(run([](auto& own, int) {
              own.custom_metrics.push_back(
                  {"mine", [](auto, const auto&, auto) -> double { throw std::runtime_error("no metric"); }});
            }),
            from_rank(0, "no metric"));
  EXPECT_EQ(run([](auto& own, int) { own.checkpoint = "/no/such/folder/file"; })[2].substr(0, 8), "rank 0: ");
}

TEST(RanksFailing, AnInterruptOfOneRank) {
  const Training<double> training(false);
  for (int look = 1; look < 400; look += look < 40 ? 1 : 37) {
    const auto errors = on_ranks(4, [&](Communicator& communicator) {
      FitOptions<double> own = training.options;
      own.epochs = 1000;
      own.communicator = &communicator;
      Network<double> net = training.network();
      int looks = 0;
      const InterruptScope scope(
          [&] {
            if (communicator.rank() == 2 && ++looks == look) {
              throw std::runtime_error("interrupted");
            }
          },
          std::chrono::nanoseconds(0));
      training.fit(net, 0, 20, own);
    });
    ASSERT_EQ(errors, from_rank(2, "interrupted")) << look;
  }
}

TEST(RanksFailing, OtherSettings) {
  const auto expect = [](const Change& change, const std::string& text) {
    const std::vector<std::string> expected(4, "rank 1 has other settings than rank 0: " + text);
    EXPECT_EQ(errors_of([&](auto& own, auto& net, int rank) {
                if (rank == 1) {
                  change(own, net, rank);
                }
              }),
              expected);
  };
  expect([](auto& own, auto&, int) { own.batch_size = 16; }, "batch_size 16, not batch_size 32");
  expect([](auto& own, auto&, int) { own.validation_split = 0.0; }, "validation_split 0, not validation_split 0.2");
  expect([](auto& own, auto&, int) { own.metrics = {Metric::mae}; }, "metric mae, not metric r2");
  expect([](auto& own, auto&, int) { own.early_stopping = EarlyStopping{}; }, "early_stopping, not no early_stopping");
  expect([](auto&, auto& net, int) { net.layer(0).set_trainable(false); },
         "4 -> 16, tanh, bias, dropout 0.2, frozen, lr_scale 1, bias_lr_scale 1, not 4 -> 16, tanh, bias, dropout 0.2, "
         "lr_scale 1, bias_lr_scale 1");
  const Training<double> training(false);
  const std::vector<double> invalid(20, -1.0);
  const auto errors = errors_of([&](auto& own, auto&, int rank) {
    own.sample_weight = std::span(rank == 1 ? invalid : training.weights).first(20);
  });
  EXPECT_NE(errors[0].find("sample_weight: weights must be finite and not negative"), std::string::npos) << errors[0];
}

TEST(RanksFailing, AChangedNetworkOrOptimizer) {
  const Training<double> training(false);
  for (const std::size_t changed : {std::size_t{0}, std::size_t{2}}) {
    for (const bool dropout : {false, true}) {
      const auto errors = on_ranks(2, [&](Communicator& communicator) {
        FitOptions<double> own = training.options;
        own.communicator = &communicator;
        Network<double> net = training.network();
        own.on_epoch_end = [&](const EpochReport& report) {
          if (report.epoch == changed && dropout) {
            net.set_dropout_state({1, 1});
          } else if (report.epoch == changed) {
            net.parameters()[0] += 1.0;
          }
          return false;
        };
        training.fit(net, 0, 20, own);
      });
      EXPECT_EQ(errors[0], errors[1]);
      EXPECT_EQ(errors[0].rfind("rank 1 has another network or optimizer than rank 0: ", 0), 0U) << errors[0];
    }
  }
}

TEST(RanksWithFewRows, HaveTheBitsOfOneProcess) {
  for (const std::size_t batch_size : {std::size_t{4}, std::size_t{11}, std::size_t{1000}}) {
    Training<double> training(true);
    training.options.batch_size = batch_size;
    training.options.shards = 8;
    training.options.validation_split = 0.02;  // four rows: some ranks have none
    training.options.sample_weight = training.weights;
    training.options.early_stopping = EarlyStopping{.patience = 1};
    training.options.epochs = 20;
    training.options.custom_metrics.push_back(
        {"sum", [](auto a, const auto&, auto w) { return a(0, 0) + w[a.rows() - 1]; }});
    Network<double> one = training.network();
    const History expected = training.fit(one, 0, training.rows, training.options);
    for (const int size : {2, 8}) {
      const auto errors = on_ranks(size, [&](Communicator& communicator) {
        FitOptions<double> own = training.options;
        own.communicator = &communicator;
        Network<double> net = training.network();
        const bool all = communicator.rank() == size - 1;
        expect_same(training.fit(net, 0, all ? training.rows : 0, own), expected);
        EXPECT_TRUE(std::ranges::equal(net.parameters(), one.parameters()));
      });
      EXPECT_EQ(errors, std::vector<std::string>(static_cast<std::size_t>(size)));
    }
  }
}

TEST(RanksStopping, RankZeroStopsAll) {
  const Training<double> training(false);
  std::vector<std::size_t> epochs(4);
  auto errors = on_ranks(4, [&](Communicator& communicator) {
    FitOptions<double> own = training.options;
    own.epochs = 1000;
    own.communicator = &communicator;
    own.on_epoch_end = [&](const EpochReport& report) {
      EXPECT_EQ(communicator.rank(), 0);
      return report.epoch == 1;
    };
    Network<double> net = training.network();
    epochs[static_cast<std::size_t>(communicator.rank())] = training.fit(net, 0, 20, own).epochs;
  });
  EXPECT_EQ(errors, std::vector<std::string>(4));
  EXPECT_EQ(epochs, std::vector<std::size_t>(4, 2));
  errors = on_ranks(4, [&](Communicator& communicator) {
    FitOptions<double> own = training.options;
    own.epochs = 1'000'000;
    own.communicator = &communicator;
    own.on_progress = [&](const ProgressReport&) { return true; };
    Network<double> net = training.network();
    const History history = training.fit(net, 0, 20, own);
    EXPECT_TRUE(history.stopped_early);
  });
  EXPECT_EQ(errors, std::vector<std::string>(4));
}

TEST(RanksResuming, ContinueOnAnotherNumberOfRanks) {
  const Training<float> training(true);
  FitOptions<float> own = training.options;
  own.shards = 4;
  own.early_stopping = EarlyStopping{.patience = 50};
  Network<float> one = training.network();
  own.epochs = 6;
  const History expected = training.fit(one, 0, training.rows, own);
  const std::filesystem::path path = std::filesystem::temp_directory_path() / "ranks_resuming.safetensors";
  const auto train = [&](int size, std::size_t epochs, bool resume) {
    return on_ranks(size, [&](Communicator& communicator) {
      FitOptions<float> ranks = own;
      ranks.epochs = epochs;
      ranks.communicator = &communicator;
      if (resume) {
        ranks.resume_from = path;
      }
      ranks.checkpoint = path;
      const auto rank = static_cast<std::size_t>(communicator.rank());
      const auto n = static_cast<std::size_t>(size);
      Network<float> net = training.network();
      const History history = training.fit(net, training.rows * rank / n, training.rows * (rank + 1) / n, ranks);
      if (epochs == 6) {
        EXPECT_TRUE(std::ranges::equal(net.parameters(), one.parameters()));
        EXPECT_EQ(history["val_loss"], expected["val_loss"]);
      }
    });
  };
  EXPECT_EQ(train(4, 2, false), std::vector<std::string>(4));
  EXPECT_EQ(train(2, 4, true), std::vector<std::string>(2));
  EXPECT_EQ(train(1, 6, true), std::vector<std::string>(1));
  Network<float> other = training.network();
  FitOptions<float> wrong = own;
  wrong.shards = 8;
  wrong.resume_from = path;
  EXPECT_THROW(training.fit(other, 0, training.rows, wrong), std::invalid_argument);
  std::filesystem::remove(path);
}

TEST(RanksCustomMetric, GetsAllRowsInOrder) {
  const Training<double> training(false);
  const auto mean = [](ConstMatrixView<double> a, const Targets<double>& y, std::span<const double> w) {
    double sum = 0.0;
    for (std::size_t r = 0; r < a.rows(); ++r) {
      sum = 0.9 * sum + w[r] * (a(r, 0) - y.values()(r, 1));  // depends on the order
    }
    return sum;
  };
  FitOptions<double> own = training.options;
  own.shards = 8;
  own.sample_weight = training.weights;
  own.custom_metrics.push_back({"mine", mean});
  Network<double> one = training.network();
  const History expected = training.fit(one, 0, training.rows, own);
  const auto errors = on_ranks(4, [&](Communicator& communicator) {
    FitOptions<double> ranks = own;
    ranks.communicator = &communicator;
    const auto rank = static_cast<std::size_t>(communicator.rank());
    Network<double> net = training.network();
    const History history = training.fit(net, training.rows * rank / 4, training.rows * (rank + 1) / 4, ranks);
    EXPECT_EQ(history["mine"], expected["mine"]);
    EXPECT_EQ(history["val_mine"], expected["val_mine"]);
  });
  EXPECT_EQ(errors, std::vector<std::string>(4));
}

}  // namespace
}  // namespace backpass
