/// Saving of an ensemble: all members in one safetensors container.
#include <string>
#include <utility>
#include <vector>

#include <backpass/ensemble.hpp>
#include <backpass/error.hpp>

#include "io/file.hpp"
#include "io/metadata.hpp"
#include "io/write_network.hpp"

namespace backpass {
namespace {

/// The content of a file to write. It has been checked completely.
struct EnsemblePlan {
  std::vector<io::Architecture> members;
  io::ContainerStart start;
};

template <class T>
EnsemblePlan plan_ensemble(const Ensemble<T>& ensemble, const std::map<std::string, std::string>& user) {
  if (ensemble.size() == 0) {
    throw StateError("cannot save: this ensemble was moved from");
  }
  EnsemblePlan plan;
  io::Metadata metadata = io::library_metadata(user);
  std::vector<io::TensorEntry> entries;
  metadata[io::key::kMembers] = std::to_string(ensemble.size());
  for (std::size_t k = 0; k < ensemble.size(); ++k) {
    try {
      plan.members.push_back(io::describe(ensemble[k]));
    } catch (const std::invalid_argument& error) {
      throw std::invalid_argument("member " + std::to_string(k) + ": " + error.what());
    }
    metadata[io::key::member_network(k)] = io::architecture_to_json(plan.members.back());
    io::add_entries<T>(plan.members.back(), io::member_prefix(k), entries);
  }
  plan.start = io::start_container(metadata, entries);
  return plan;
}

template <class T>
void write_ensemble(const EnsemblePlan& plan, const Ensemble<T>& ensemble, io::Sink& sink) {
  sink.expect(plan.start.file_size);
  sink.write(std::as_bytes(std::span(plan.start.bytes)));
  for (std::size_t k = 0; k < ensemble.size(); ++k) {
    io::write_layers(plan.members[k], ensemble[k].parameters(), sink);
  }
}

template <class T>
void write_ensemble_file(const std::filesystem::path& path, const Ensemble<T>& ensemble,
                         const std::map<std::string, std::string>& user) {
  const EnsemblePlan plan = plan_ensemble(ensemble, user);  // first: if something cannot be saved, no file is created
  io::replace_file(path, [&](io::Sink& sink) { write_ensemble(plan, ensemble, sink); });
}

}  // namespace

template <class T>
std::vector<std::byte> to_bytes(const Ensemble<T>& ensemble, const std::map<std::string, std::string>& metadata) {
  io::MemorySink sink;
  write_ensemble(plan_ensemble(ensemble, metadata), ensemble, sink);
  return std::move(sink).take();
}

template <class T>
void Ensemble<T>::save(const std::filesystem::path& path, const std::map<std::string, std::string>& metadata) const {
  write_ensemble_file(path, *this, metadata);
}

#define BACKPASS_INSTANTIATE(T)                                                                        \
  template BACKPASS_EXPORT std::vector<std::byte> to_bytes(const Ensemble<T>&,                         \
                                                           const std::map<std::string, std::string>&); \
  template BACKPASS_EXPORT void Ensemble<T>::save(const std::filesystem::path&,                        \
                                                  const std::map<std::string, std::string>&) const;
BACKPASS_INSTANTIATE(float)
BACKPASS_INSTANTIATE(double)
#undef BACKPASS_INSTANTIATE

}  // namespace backpass
