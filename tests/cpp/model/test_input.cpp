// Inputs of C++ programs: views of the network's type, and matrices of any other type and layout.
#include <backpass/backpass.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

namespace backpass {
namespace {

constexpr std::size_t kRows = 700;

std::vector<float> predictions(const Network<float>& net, const Input<float>& x,
                               Workspace<float>* workspace = nullptr) {
  std::vector<float> out(x.rows() * 2);
  const MatrixView<float> to(out.data(), x.rows(), 2);
  if (workspace != nullptr) {
    net.predict(x, to, *workspace);
  } else {
    net.predict(x, to);
  }
  return out;
}

TEST(Input, TakesEveryView) {
  const Network<float> net({.sizes = {3, 2}, .seed = 0});
  std::vector<float> values{1, 2, 3, 4, 5, 6};
  const MatrixView<float> writable(values.data(), 2, 3);
  const std::vector<float> expected = predictions(net, writable);
  EXPECT_EQ(predictions(net, ConstMatrixView<float>(writable)), expected);
  EXPECT_EQ(predictions(net, {values.data(), 2, 3}), expected);
  EXPECT_EQ(predictions(net, std::span<const float>(values).first(3)),
            std::vector<float>(expected.begin(), expected.begin() + 2));
}

TEST(Input, ConvertsColumnsOfDoublesAndRowsOfIntegers) {
  const Network<float> net({.sizes = {5, 9, 2}, .activation = Activation::tanh(), .seed = 0});
  std::vector<double> columns(kRows * 5);
  std::vector<std::int16_t> integers(kRows * 5);
  std::vector<float> from_columns(kRows * 5);
  std::vector<float> from_integers(kRows * 5);
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t c = 0; c < 5; ++c) {
      const double value = static_cast<double>(r * 7 + c * 3) / 977.0 - 1.0;
      columns[c * kRows + r] = value;
      from_columns[r * 5 + c] = static_cast<float>(value);
      const auto integer = static_cast<std::int16_t>(static_cast<int>(r * 5 + c) - 900);
      integers[(kRows - 1 - r) * 5 + c] = integer;  // the last row comes first
      from_integers[r * 5 + c] = static_cast<float>(integer);
    }
  }
  const AnyMatrix by_columns{.data = columns.data(),
                             .rows = kRows,
                             .cols = 5,
                             .row_step = sizeof(double),
                             .col_step = kRows * sizeof(double),
                             .element = Element::float64};
  const AnyMatrix backwards{.data = integers.data() + (kRows - 1) * 5,
                            .rows = kRows,
                            .cols = 5,
                            .row_step = -10,
                            .col_step = 2,
                            .element = Element::int16};
  Workspace<float> workspace = net.make_workspace(64);
  const std::vector<float> expected = predictions(net, {from_columns.data(), kRows, 5});
  EXPECT_EQ(predictions(net, by_columns), expected);
  EXPECT_EQ(predictions(net, by_columns, &workspace), expected);
  EXPECT_EQ(predictions(net, by_columns, &workspace), expected);
  EXPECT_EQ(predictions(net, backwards), predictions(net, {from_integers.data(), kRows, 5}));

  std::vector<std::int16_t> swapped = integers;
  for (std::int16_t& n : swapped) {
    const auto bits = static_cast<std::uint16_t>(n);
    n = static_cast<std::int16_t>(static_cast<std::uint16_t>(bits << 8U | bits >> 8U));
  }
  AnyMatrix of_swapped = backwards;
  of_swapped.data = swapped.data() + (kRows - 1) * 5;
  of_swapped.swapped = true;
  EXPECT_EQ(predictions(net, of_swapped), predictions(net, backwards));
}

/// The elements with their bytes in reverse.
template <class S>
std::vector<S> with_bytes_reversed(std::vector<S> values) {
  for (S& value : values) {
    auto bytes = std::bit_cast<std::array<std::byte, sizeof(S)>>(value);
    std::reverse(bytes.begin(), bytes.end());
    std::memcpy(&value, bytes.data(), sizeof(S));
  }
  return values;
}

template <class S>
void expect_contiguous_rows_convert(Element element) {
  const Network<float> net({.sizes = {5, 9, 2}, .activation = Activation::tanh(), .seed = 0});
  std::vector<S> values(kRows * 5);
  std::vector<float> converted(kRows * 5);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<S>(i % 251);
    converted[i] = static_cast<float>(values[i]);
  }
  AnyMatrix matrix{.data = values.data(),
                   .rows = kRows,
                   .cols = 5,
                   .row_step = 5 * sizeof(S),
                   .col_step = sizeof(S),
                   .element = element};
  const std::vector<float> expected = predictions(net, {converted.data(), kRows, 5});
  EXPECT_EQ(predictions(net, matrix), expected);
  const std::vector<S> reversed = with_bytes_reversed(values);
  matrix.data = reversed.data();
  matrix.swapped = true;
  EXPECT_EQ(predictions(net, matrix), expected);
}

TEST(Input, ConvertsContiguousRows) {
  expect_contiguous_rows_convert<double>(Element::float64);
  expect_contiguous_rows_convert<std::int64_t>(Element::int64);
  expect_contiguous_rows_convert<std::uint8_t>(Element::uint8);
  expect_contiguous_rows_convert<std::int32_t>(Element::int32);
  expect_contiguous_rows_convert<float>(Element::float32);
  expect_contiguous_rows_convert<std::uint64_t>(Element::uint64);
}

TEST(Input, RefusesAWrongShape) {
  const Network<float> net({.sizes = {3, 2}, .seed = 0});
  const std::array<double, 4> values{};
  const AnyMatrix four{.data = values.data(), .rows = 1, .cols = 4, .col_step = 8, .element = Element::float64};
  EXPECT_THROW((void)predictions(net, four), ShapeError);
}

}  // namespace
}  // namespace backpass
