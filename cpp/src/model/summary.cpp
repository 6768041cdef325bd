#include <backpass/network.hpp>

#include <algorithm>
#include <array>
#include <locale>
#include <sstream>
#include <string>
#include <vector>

namespace backpass {
namespace {

using Row = std::array<std::string, 5>;

/// A number with commas between groups of three digits: "101,770".
std::string count_text(std::size_t n) {
  std::string text = std::to_string(n);
  for (std::size_t left = text.size(); left > 3;) {
    left -= 3;
    text.insert(left, ",");
  }
  return text;
}

/// The name, with the parameter if there is one: "relu", "leaky_relu(0.01)".
std::string activation_text(const Activation& activation) {
  std::string text(activation.name());
  if (activation.has_parameter()) {
    std::ostringstream stream;
    stream.imbue(std::locale::classic());
    stream << activation.parameter();
    std::string number = stream.str();
    // A parameter is a real number: write 1.0, not 1.
    number += number.find_first_not_of("-0123456789") == std::string::npos ? ".0" : "";
    text += "(" + number + ")";
  }
  return text;
}

/// One line of the table: names left-aligned, numbers right-aligned, two spaces between columns.
std::string line_text(const Row& row, const std::array<std::size_t, 5>& widths) {
  constexpr std::size_t kFirstNumber = 3;
  std::string line;
  for (std::size_t c = 0; c < row.size(); ++c) {
    const std::string padding(widths[c] - row[c].size(), ' ');
    line += (c == 0 ? "" : "  ") + (c < kFirstNumber ? row[c] + padding : padding + row[c]);
  }
  return line;
}

}  // namespace

template <class T>
std::string Network<T>::summary() const {
  (void)checked_impl();
  std::vector<Row> rows{{"layer", "shape", "activation", "parameters", "bytes"}};
  for (std::size_t i = 0; i < num_layers(); ++i) {
    const LayerSpec& layer = spec(i);
    rows.push_back({std::to_string(i + 1), std::to_string(layer.inputs) + " -> " + std::to_string(layer.outputs),
                    activation_text(layer.activation) + (layer.trainable ? "" : ", frozen"),
                    count_text(layer.num_parameters()), count_text(layer.num_parameters() * sizeof(T))});
  }
  rows.push_back({"total", "", type_name<T>, count_text(num_parameters()), count_text(num_parameters() * sizeof(T))});
  std::array<std::size_t, 5> widths{};
  for (const Row& row : rows) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      widths[c] = std::max(widths[c], row[c].size());
    }
  }
  const std::string header = line_text(rows.front(), widths);
  const std::string rule(header.size(), '-');
  std::string table = header + "\n" + rule;
  for (std::size_t i = 1; i + 1 < rows.size(); ++i) {
    table += "\n" + line_text(rows[i], widths);
  }
  return table + "\n" + rule + "\n" + line_text(rows.back(), widths);
}

template std::string Network<float>::summary() const;
template std::string Network<double>::summary() const;

}  // namespace backpass
