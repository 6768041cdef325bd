/// The parts that the writers of networks and of ensembles share.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "io/architecture.hpp"
#include "io/container.hpp"

namespace backpass::io {

/// The metadata of every file, with the entries of the user.
[[nodiscard]] Metadata library_metadata(const std::map<std::string, std::string>& user);

/// Adds the tensors of the layers in the order of the parameters, in which write_layers() writes them.
/// \param prefix  of their names
template <class T>
void add_entries(const Architecture& architecture, const std::string& prefix, std::vector<TensorEntry>& entries);
/// \param parameters  (num_parameters), as Network::parameters()
template <class T>
void write_layers(const Architecture& architecture, std::span<const T> parameters, Sink& sink);

}  // namespace backpass::io
