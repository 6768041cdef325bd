/// The parts that the readers of networks and of ensembles share. A file is untrusted: everything is checked before it
/// is used, and memory is bounded by the size of the file. Numbers are read in pieces, directly to their destination;
/// the whole file is never in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <backpass/error.hpp>
#include <backpass/network.hpp>

#include "io/architecture.hpp"
#include "io/container.hpp"
#include "io/file.hpp"
#include "io/metadata.hpp"
#include "io/text.hpp"

namespace backpass::io {

/// Null if there is no such key.
[[nodiscard]] const std::string* find_text(const Metadata& metadata, const std::string& key);
/// Reads a decimal integer in [0, limit]; 0 if there is no such key. \throws FormatError
[[nodiscard]] std::uint64_t number_or_zero(const Metadata& metadata, const char* key, std::uint64_t limit);
template <class Number>
[[nodiscard]] Number number_or_zero(const Metadata& metadata, const char* key) {
  return static_cast<Number>(
      number_or_zero(metadata, key, static_cast<std::uint64_t>(std::numeric_limits<Number>::max())));
}
/// The entries of the user, without the prefix. Drops all other entries.
[[nodiscard]] std::map<std::string, std::string> user_metadata(Metadata metadata);

/// Finds tensors by name and counts them. A tensor that was not requested is an error.
class TensorReader {
 public:
  /// \param owner  whose tensors these are, in messages: "the network"
  TensorReader(const Container& container, const char* owner) : container_(container), owner_(owner) {}

  /// \returns the first byte of the tensor's elements in the file
  /// \throws FormatError unless there is a tensor of that name, type and shape
  template <class T>
  std::size_t find(const std::string& name, const Shape& shape) {
    return find(name, kElementType<T>, shape);
  }
  [[nodiscard]] std::size_t left() const noexcept { return container_.tensors().size() - found_; }
  /// \throws FormatError if the file has a tensor that was not requested
  void finish() const;

 private:
  std::size_t find(const std::string& name, ElementType type, const Shape& shape);

  const Container& container_;
  const char* owner_;
  std::size_t found_ = 0;
};

/// The first bytes of a layer's tensors in the file.
struct LayerPlace {
  std::size_t weight = 0;
  std::size_t bias = 0;
};

/// \param prefix  of the names of the network's tensors
template <class T>
[[nodiscard]] std::vector<LayerPlace> find_layers(const Architecture& architecture, const std::string& prefix,
                                                  TensorReader& tensors);
/// \param places  from find_layers(), which has checked the shapes: the file is at least as large as the network, and
///                its size bounds the allocation
template <class T>
[[nodiscard]] Network<T> make_network(const Architecture& architecture, const std::vector<LayerPlace>& places,
                                      Source& source);

/// Reads the header of a file of this library. \throws FileError, FormatError
[[nodiscard]] Container open_container(Source& source);

/// \throws FormatError unless the network of a file has numbers of T
template <class T>
void require_type(const Architecture& architecture) {
  if (architecture.type != type_name<T>) {
    throw FormatError("the file contains a " + architecture.type + " network, but " + type_name<T> + " was requested");
  }
}

/// Opens a file and returns make(source). Adds the path to the message of a FormatError.
template <class F>
auto load_file(const std::filesystem::path& path, F&& make) {
  try {
    InputFile file(path);
    return make(static_cast<Source&>(file));
  } catch (const FormatError& error) {
    throw FormatError(path_text(path) + ": " + error.what());
  }
}

}  // namespace backpass::io
