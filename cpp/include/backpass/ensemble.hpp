/// \file ensemble.hpp
/// Several networks with the same inputs and outputs that are trained in one call and used together: their mean is a
/// better prediction than that of one network, and their spread says how sure it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <backpass/compiler.hpp>
#include <backpass/input.hpp>
#include <backpass/loss.hpp>
#include <backpass/matrix.hpp>
#include <backpass/network.hpp>
#include <backpass/optimizer.hpp>
#include <backpass/serialize.hpp>
#include <backpass/trainer.hpp>

namespace backpass {

/// The seeds of `members` members: a longer list begins with the shorter one. The constructor of an ensemble gives seed
/// k to network k, and Ensemble::fit() shuffles the rows of member k with seed k.
[[nodiscard]] BACKPASS_EXPORT std::vector<std::uint64_t> ensemble_seeds(std::uint64_t seed, std::size_t members);

/// The argument of EnsembleRun::on_epoch_end.
struct EnsembleEpochReport {
  std::size_t epoch = 0;                      ///< counted from 0
  std::span<const History* const> histories;  ///< one per member; a member that stopped early may have fewer epochs
};
/// The argument of EnsembleRun::on_progress.
struct EnsembleProgressReport {
  double done = 0.0;  ///< the part of the rows of all epochs of all members, from 0 to 1
  double loss = 0.0;  ///< the mean over the members of the loss of their current or last epoch; 0 before a step
};

/// What concerns all members of Ensemble::fit() together. The functions run on the thread that called fit, while no
/// member trains.
struct EnsembleRun {
  int num_threads = 0;  ///< the largest number of threads; 0: get_num_threads()
  /// Called before the first epoch, after all arguments have been checked.
  std::function<void(const BeginReport&)> on_begin = {};
  /// Called when every member has finished an epoch, or its training. A return value of true stops all members. With
  /// this function, no member begins an epoch before all have finished the last one.
  std::function<bool(const EnsembleEpochReport&)> on_epoch_end = {};
  /// Called about every 50 ms, and at the end. A return value of true stops all members after their last step.
  std::function<bool(const EnsembleProgressReport&)> on_progress = {};
};

/// K ≥ 1 networks, the members, with equal numbers of inputs and outputs.
///
/// An ensemble can be moved and copied; a copy has copies of the networks. Const member functions may be called by
/// several threads at the same time. A call of another member function, or of a non-const member function of one of the
/// networks, must not overlap with any other call. Shapes, and what is thrown for a wrong shape, are as for Network.
/// All calls on an ensemble that was moved from throw StateError, except size(), assignment and destruction.
template <class T>
class BACKPASS_EXPORT Ensemble {
  static_assert(is_real<T>, "T must be float or double");

 public:
  /// Member k has the seed ensemble_seeds(options.seed, members)[k].
  /// \throws std::invalid_argument as Network<T>(options), or if members is 0
  explicit Ensemble(const NetworkOptions& options, std::size_t members = 8);
  /// Uses existing networks, and does not copy them. Their hidden layers may differ.
  /// \throws std::invalid_argument if there is no network, if one is null or occurs twice, or if two have different
  ///         numbers of inputs or outputs
  [[nodiscard]] static Ensemble of(std::vector<std::shared_ptr<Network<T>>> members);
  Ensemble(const Ensemble& other);
  Ensemble& operator=(const Ensemble& other);
  Ensemble(Ensemble&&) noexcept = default;
  Ensemble& operator=(Ensemble&&) noexcept = default;
  ~Ensemble() = default;
  [[nodiscard]] Ensemble copy() const { return *this; }

  [[nodiscard]] std::size_t size() const noexcept { return members_.size(); }  ///< K
  [[nodiscard]] Network<T>& operator[](std::size_t k) { return *member(k); }   ///< \throws std::out_of_range
  [[nodiscard]] const Network<T>& operator[](std::size_t k) const { return *member(k); }
  [[nodiscard]] const std::vector<std::shared_ptr<Network<T>>>& members() const noexcept { return members_; }

  // ---- training

  /// Trains all members on the same data. The threads are shared among the members, so that K small networks take about
  /// the time of K / num_threads trainings. Member k gets the bits of (*this)[k].fit(x, y, loss, optimizers[k],
  /// options[k]), with any number of threads. In its history, "seconds" is the time that this member took.
  /// \param optimizers  one per member, all different objects
  /// \param options     one per member. Not allowed are on_begin, on_epoch_end, on_progress, memory, checkpoint and
  ///                    resume_from; and one schedule for two members
  /// \throws as Network::fit(). If an argument is invalid, nothing has changed
  /// \throws DivergenceError after the end of the other members' trainings, if a member diverged; `member` of the error
  ///         names the first such member. That member is restored to the end of its last finished epoch
  ///
  /// After std::bad_alloc, every member is as at the end of its last finished epoch. Other exceptions (of a callback or
  /// an InterruptScope) pass through, and every member is then as after its last step.
  ///
  /// With a CustomLoss, a custom activation or a custom metric, the functions are called on the thread of the caller
  /// only, and the members train in turns.
  std::vector<History> fit(ConstMatrixView<T> x, Targets<T> y, const Loss& loss,
                           std::span<const OptimizerRef> optimizers, std::span<const FitOptions<T>> options,
                           const EnsembleRun& run = {});
  /// The same with one setting for all members. Each member gets a copy of the optimizer, with its own state, and of
  /// the schedule, and shuffles with the seed ensemble_seeds(options.seed or 0, size())[k].
  std::vector<History> fit(ConstMatrixView<T> x, Targets<T> y, const Loss& loss, const Optimizer& optimizer,
                           const FitOptions<T>& options, const EnsembleRun& run = {});

  // ---- inference
  // \param x            (B, M_0)
  // \param num_threads  the largest number of threads; 0: get_num_threads()

  /// The outputs of all members.
  /// \param out  (K · B, M_N): row k · B + b is the output of member k for row b
  void predict(const Input<T>& x, MatrixView<T> out, int num_threads = 0) const;
  /// The mean of the members' outputs. \param out  (B, M_N)
  void mean(const Input<T>& x, MatrixView<T> out, int num_threads = 0) const;
  /// The standard deviation of the members' outputs: √(Σ_k (a_k − mean)² / K), as numpy.std.
  /// \param out  (B, M_N)
  void std(const Input<T>& x, MatrixView<T> out, int num_threads = 0) const;
  /// Quantiles of the members' outputs, with linear interpolation, as numpy.quantile. NaN if a member's output is NaN.
  /// \param q    (Q), in [0, 1]
  /// \param out  (Q · B, M_N): row i · B + b is quantile q[i] for row b
  /// \throws std::invalid_argument if a q is not in [0, 1]
  void quantile(const Input<T>& x, std::span<const double> q, MatrixView<T> out, int num_threads = 0) const;

  // ---- files: one safetensors file for all members, see serialize.hpp. Tensors are named "member.0.0.weight", …

  /// \param metadata  strings of the user, which load_ensemble() returns
  /// \throws FileError; std::invalid_argument if something cannot be saved, e.g. a custom activation
  void save(const std::filesystem::path& path, const std::map<std::string, std::string>& metadata = {}) const;
  /// \throws FileError; FormatError, also if the file contains one network, or networks of the other type
  [[nodiscard]] static Ensemble load(const std::filesystem::path& path);

 private:
  explicit Ensemble(std::vector<std::shared_ptr<Network<T>>> members) noexcept : members_(std::move(members)) {}
  [[nodiscard]] const Network<T>& first() const;  ///< \throws StateError if the ensemble was moved from
  /// \throws StateError if the ensemble was moved from, std::out_of_range if k is not less than size()
  [[nodiscard]] const std::shared_ptr<Network<T>>& member(std::size_t k) const;
  template <class F>
  void for_each_block(const Input<T>& x, std::size_t block_rows, F f) const;
  template <class F>
  void reduce(const Input<T>& x, std::size_t results, MatrixView<T> out, int num_threads, F f) const;

  std::vector<std::shared_ptr<Network<T>>> members_;
};

/// The content of an ensemble's file.
template <class T>
struct SavedEnsemble {
  Ensemble<T> ensemble;
  std::map<std::string, std::string> metadata;
};
using AnySavedEnsemble = std::variant<SavedEnsemble<float>, SavedEnsemble<double>>;

/// The content of a file as bytes. \throws std::invalid_argument as Ensemble::save()
template <class T>
[[nodiscard]] BACKPASS_EXPORT std::vector<std::byte> to_bytes(const Ensemble<T>& ensemble,
                                                              const std::map<std::string, std::string>& metadata = {});
/// Loads an ensemble of either type from the bytes of a file. Memory is bounded as in from_bytes(), plus 2 kB per
/// member.
/// \throws FormatError if the bytes are not a valid ensemble
[[nodiscard]] BACKPASS_EXPORT AnySavedEnsemble ensemble_from_bytes(std::span<const std::byte> bytes);
/// Loads an ensemble of T. \throws as Ensemble::load()
template <class T>
[[nodiscard]] BACKPASS_EXPORT SavedEnsemble<T> load_ensemble(const std::filesystem::path& path);

/// The content of any file of this library.
using AnySaved = std::variant<SavedTraining<float>, SavedTraining<double>, SavedEnsemble<float>, SavedEnsemble<double>>;
/// Loads a network or an ensemble of either type. \throws FileError, FormatError
[[nodiscard]] BACKPASS_EXPORT AnySaved load_any(const std::filesystem::path& path);

extern template std::vector<std::byte> to_bytes(const Ensemble<float>&, const std::map<std::string, std::string>&);
extern template std::vector<std::byte> to_bytes(const Ensemble<double>&, const std::map<std::string, std::string>&);
extern template SavedEnsemble<float> load_ensemble(const std::filesystem::path&);
extern template SavedEnsemble<double> load_ensemble(const std::filesystem::path&);
extern template class Ensemble<float>;
extern template class Ensemble<double>;

}  // namespace backpass
