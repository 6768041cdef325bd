// Loads a valid file, and every file that differs from it in one byte at the end of the header: FormatError, never
// abort().
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <backpass/backpass.hpp>
#include <backpass/serialize.hpp>

std::size_t use_json(const std::string& text);

int main(int argc, char** argv) {
  if (argc != 2) {
    return 2;
  }
  const std::size_t events = use_json(R"({"a": [1, 2.5, "x", null, true, -1], "b": {}})");
  std::ifstream in(argv[1], std::ios::binary);
  const std::string sound{std::istreambuf_iterator<char>(in), {}};
  static_cast<void>(backpass::load_any_checkpoint(argv[1]));

  std::size_t refused = 0;
  for (std::size_t i = 0; i < 2000 && i < sound.size(); ++i) {
    std::string damaged = sound;
    damaged[i] = '\xff';
    try {
      static_cast<void>(backpass::from_bytes(std::as_bytes(std::span(damaged))));
    } catch (const backpass::FormatError&) {
      ++refused;
    }
  }
  const backpass::Network<float> network({.sizes = {1, 1}, .seed = 1});
  try {
    static_cast<void>(backpass::to_bytes(network, {.metadata = {{"not UTF-8", "\xff"}}}));
    return 1;
  } catch (const std::invalid_argument&) {
    std::printf("%zu events, %zu damaged files refused\n", events, refused);
  }
  return refused > 100 ? 0 : 1;
}
