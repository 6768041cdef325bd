/// The private implementation of Network and Workspace.
#pragma once

#include <string_view>

#include <backpass/network.hpp>

#include "base/pool.hpp"
#include "model/model.hpp"
#include "pass/batch_pass.hpp"
#include "pass/predictor.hpp"
#include "pass/stored_pass.hpp"

namespace backpass {

template <class T>
struct Workspace<T>::Impl {
  pass::Predictor<T> predictor;
};

template <class T>
struct Network<T>::Impl {
  model::Model<T> model;
  PerLayer<Initializer> init;
  pass::StoredPass<T> stored_pass;
  pass::BatchPass<T> batch_pass;
  pass::Step<T> step;
  // Const calls may run at the same time. Each call leases its own scratch memory.
  mutable Pool<pass::Predictor<T>> predictors;
  mutable Pool<pass::BatchPass<T>> evaluations;

  explicit Impl(PerLayer<Initializer> initializer) : init(std::move(initializer)) {}
  Impl(const Impl& other) : model(other.model), init(other.init) {}
  Impl& operator=(const Impl&) = delete;

  /// \param prefix  of the message: says which argument of the user x is
  /// \throws ShapeError unless x is (B, M_0) and has data
  void check_input(const Input<T>& x, std::string_view prefix = "") const;
  /// Checks the loss against the output activation, and the targets and weights against the loss
  /// (model/check_loss.hpp).
  void check_loss(const Loss& loss, std::size_t rows, const Targets<T>& y, std::span<const T> sample_weight,
                  std::string_view prefix = "") const;
};

/// Gives the library's other source files access to the implementation.
struct NetworkAccess {
  template <class T>
  static typename Network<T>::Impl& impl(Network<T>& network) {
    return network.checked_impl();
  }
  template <class T>
  static const typename Network<T>::Impl& impl(const Network<T>& network) {
    return network.checked_impl();
  }
};

}  // namespace backpass
