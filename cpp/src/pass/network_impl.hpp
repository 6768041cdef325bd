/// The private implementation of Network and Workspace. Only files of pass/ include it.
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

  /// The workspace of one evaluation.
  [[nodiscard]] auto lease_evaluation() const {
    return evaluations.lease([](const pass::BatchPass<T>& /*pass*/) { return true; },
                             [] { return std::make_unique<pass::BatchPass<T>>(); });
  }

  /// As NetworkAccess::check_input().
  void check_input(const Input<T>& x, std::string_view prefix = "") const;
  /// As NetworkAccess::check_loss().
  void check_loss(const Loss& loss, std::size_t rows, const Targets<T>& y, std::span<const T> sample_weight,
                  std::string_view prefix = "") const;
};

}  // namespace backpass
