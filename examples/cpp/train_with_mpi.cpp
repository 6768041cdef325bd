// Several processes train one network: mpiexec -n 4 train_with_mpi
// The parameters have the same bits for 1, 2, 4 and 8 processes.
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <random>
#include <vector>

#include <backpass/backpass.hpp>
#include <backpass/mpi.hpp>

namespace {

/// Rows of y = sin(2 x_0) x_1. The seed of a row is its number, so every process can make its own rows.
struct Rows {
  std::vector<float> x, y;
  Rows(std::size_t first, std::size_t last) {
    for (std::size_t row = first; row < last; ++row) {
      std::minstd_rand random(static_cast<unsigned>(row + 1));
      random.discard(10);
      const auto number = [&] { return 2.0F * static_cast<float>(random()) / 2147483647.0F - 1.0F; };
      x.push_back(number());
      x.push_back(number());
      y.push_back(std::sin(2.0F * x[x.size() - 2]) * x.back());
    }
  }
};

void train(backpass::MpiCommunicator& world) {
  constexpr std::size_t kRows = 4000;
  const auto rank = static_cast<std::size_t>(world.rank());
  const auto size = static_cast<std::size_t>(world.size());
  const Rows rows(kRows * rank / size, kRows * (rank + 1) / size);
  const backpass::ConstMatrixView<float> x(rows.x.data(), rows.y.size(), 2);
  const backpass::ConstMatrixView<float> y(rows.y.data(), rows.y.size(), 1);

  backpass::Network<float> net({.sizes = {2, 64, 64, 1}, .activation = backpass::Activation::tanh(), .seed = 1});
  backpass::Adam adam{.lr = 0.003};
  const auto history = net.fit(x, y, backpass::MeanSquaredError{}, adam,
                               {.epochs = 20, .batch_size = 64, .seed = 1, .communicator = &world});
  if (rank == 0) {
    double sum = 0.0;
    for (const float parameter : net.parameters()) {
      sum += std::fabs(parameter);
    }
    std::printf("mean squared error %.6f, sum of |parameters| %.17g\n", history["loss"].back(), sum);
  }
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  try {
    backpass::MpiCommunicator world;
    train(world);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    MPI_Abort(MPI_COMM_WORLD, 1);  // the other processes may wait for this one
  }
  MPI_Finalize();
}
