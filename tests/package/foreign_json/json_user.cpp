#include <cstddef>
#include <string>

#include <nlohmann/json.hpp>

/// Calls the functions that a reader and a writer of JSON need.
std::size_t use_json(const std::string& text) {
  struct Counter : nlohmann::json_sax<nlohmann::json> {
    std::size_t events = 0;
    bool null() override { return ++events > 0; }
    bool boolean(bool) override { return ++events > 0; }
    bool number_integer(number_integer_t) override { return ++events > 0; }
    bool number_unsigned(number_unsigned_t) override { return ++events > 0; }
    bool number_float(number_float_t, const string_t&) override { return ++events > 0; }
    bool string(string_t&) override { return ++events > 0; }
    bool binary(binary_t&) override { return ++events > 0; }
    bool start_object(std::size_t) override { return ++events > 0; }
    bool key(string_t&) override { return ++events > 0; }
    bool end_object() override { return ++events > 0; }
    bool start_array(std::size_t) override { return ++events > 0; }
    bool end_array() override { return ++events > 0; }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }
  } counter;
  nlohmann::json::sax_parse(text.begin(), text.end(), &counter);
  const auto callback = [](int, nlohmann::json::parse_event_t, nlohmann::json&) { return true; };
  const nlohmann::json tree = nlohmann::json::parse(text.begin(), text.end(), callback, false);
  return counter.events + tree.size() + (tree.is_discarded() ? 0 : tree.dump().size());
}
