/// What the folders above pass/ need of a network in addition to its public interface.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <backpass/network.hpp>

#include "model/loss_plan.hpp"
#include "pass/shards.hpp"

namespace backpass {

/// Each function throws StateError if the network was moved from.
struct NetworkAccess {
  /// \param prefix  of the message: says which argument of the user x is
  /// \throws ShapeError unless x is (B, M_0) and has data
  template <class T>
  static void check_input(const Network<T>& network, const Input<T>& x, std::string_view prefix = "");
  /// Checks the loss against the output activation, and the targets and weights against the loss
  /// (model/check_loss.hpp).
  /// \param y              (rows, M_N), or labels (rows)
  /// \param sample_weight  (rows), or empty
  /// \param prefix         as in check_input(), for y
  template <class T>
  static void check_loss(const Network<T>& network, const Loss& loss, std::size_t rows, const Targets<T>& y,
                         std::span<const T> sample_weight, std::string_view prefix = "");
  /// Checks that the optimizer can take a step of this network. Changes neither of them.
  /// \throws as Network::step()
  template <class T>
  static void check_step(Network<T>& network, OptimizerRef optimizer);

  /// One training step with listed rows of a data set. The arguments must have been checked, here and below.
  /// \param x              (rows of the data set, M_0)
  /// \param y              of all rows of x
  /// \param sample_weight  (rows of x), or empty
  /// \param rows           (B), row numbers in x
  /// \param division       of these rows, unless it has one shard
  /// \returns E before the update
  template <class T>
  static double train_rows(Network<T>& network, ConstMatrixView<T> x, const Targets<T>& y,
                           std::span<const T> sample_weight, std::span<const std::uint32_t> rows, const Loss& loss,
                           OptimizerRef optimizer, const GradientOptions& options, const pass::Division<T>& division);
  /// The terms of the rows in E, without dropout.
  /// \param x              (B, M_0)
  /// \param y              (B, M_N), or labels (B)
  /// \param sample_weight  (B), or empty
  /// \param mean           may belong to a larger batch that contains these rows
  /// \param terms          (B), receives one term per row
  template <class T>
  static void row_terms(const Network<T>& network, ConstMatrixView<T> x, const Targets<T>& y,
                        std::span<const T> sample_weight, const Loss& loss, const model::RowMean& mean,
                        std::span<double> terms);

  /// The initializers of Network::initialize(), one per layer or one for all layers.
  template <class T>
  [[nodiscard]] static const PerLayer<Initializer>& initializers(const Network<T>& network);
  template <class T>
  static void set_initializers(Network<T>& network, PerLayer<Initializer> initializers);
  /// Sets the dropout rates of all layers to 0: a loss with dropout cannot be compared with finite differences.
  template <class T>
  static void remove_dropout(Network<T>& network);
  /// Training passes multiply the dropout rates of all layers by this factor from now on.
  /// \throws std::invalid_argument if a product is not in [0, 1); nothing has changed then
  template <class T>
  static void set_dropout_scale(Network<T>& network, double scale);
  /// Makes the optimizer's state belong to this network.
  template <class T>
  static void set_owner(OptimizerState& state, const Network<T>& network);
};

}  // namespace backpass
