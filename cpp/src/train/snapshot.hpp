/// A network and its optimizer at the end of an epoch, to go back to.
#pragma once

#include <algorithm>
#include <vector>

#include <backpass/network.hpp>

namespace backpass::train {

/// Taking one reuses the memory of the last.
template <class T>
class Snapshot {
 public:
  void take(const Network<T>& network) {
    const auto p = network.parameters();
    parameters_.assign(p.begin(), p.end());
    dropout_ = network.dropout_state();
  }
  void restore(Network<T>& network) const {
    std::copy(parameters_.begin(), parameters_.end(), network.parameters().begin());
    network.set_dropout_state(dropout_);
  }

 private:
  std::vector<T> parameters_;
  typename Network<T>::DropoutState dropout_;
};

/// With the optimizer's state.
template <class T>
class TrainingSnapshot {
 public:
  void take(const Network<T>& network, OptimizerRef optimizer) {
    network_.take(network);
    state_ = optimizer.state();
  }
  void restore(Network<T>& network, OptimizerRef optimizer) const {
    network_.restore(network);
    optimizer.state() = state_;
  }

 private:
  Snapshot<T> network_;
  OptimizerState state_;
};

}  // namespace backpass::train
