#include "io/settings_json.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

#include <backpass/error.hpp>

#include "base/text.hpp"
#include "io/fields.hpp"
#include "io/text.hpp"

namespace backpass::io {
namespace {

/// The most nested schedules. Each warm-up adds one level of JSON.
constexpr int kMaxSchedules = 16;
static_assert(kMaxSchedules < static_cast<int>(kMaxJsonDepth));

std::string schedule_to_json(const Schedule& schedule, int depth);
Schedule schedule_from_json(const JsonValue& value, int depth);

// ---- One value: the JSON form of the type of a field. `depth` is the nesting level of the schedule.

template <class V>
std::string nested_to_json(const V& value, int /*depth*/) {
  return to_json(value);
}
std::string nested_to_json(const std::shared_ptr<Schedule>& value, int depth) {
  return value ? schedule_to_json(*value, depth + 1) : "null";
}

template <class V>
void read_nested(ObjectReader& reader, const char* key, V& value, int /*depth*/) {
  reader.read(key, value);
}
void read_nested(ObjectReader& reader, const char* key, std::shared_ptr<Schedule>& value, int depth) {
  const JsonValue& inner = reader.member(key);
  value =
      inner.kind == JsonValue::Kind::null ? nullptr : std::make_shared<Schedule>(schedule_from_json(inner, depth + 1));
}

template <class V>
bool is_finite(const V& value) {
  if constexpr (std::is_same_v<V, double>) {
    return std::isfinite(value);
  } else {
    return true;
  }
}

// ---- One optimizer or schedule.

template <class S>
ObjectWriter struct_to_json(const S& settings, int depth) {
  ObjectWriter object;
  object.set("name", '"' + std::string(S::name) + '"');
  for_each_field<S>([&](const auto& field) {
    const auto& value = settings.*field.member;
    if (field.range != Range::any && !is_finite(value)) {
      throw std::invalid_argument("cannot save " + std::string(S::name) + ": " + field.name + " is not finite");
    }
    object.set(field.name, nested_to_json(value, depth));
  });
  return object;
}

template <class S>
S struct_from_json(ObjectReader& reader, int depth) {
  S settings;
  for_each_field<S>([&](const auto& field) {
    auto& value = settings.*field.member;
    read_nested(reader, field.name, value, depth);
    if (field.range != Range::any && !is_finite(value)) {
      reader.fail(std::string(field.name) + " is not finite");
    }
  });
  return settings;
}

// ---- A variant. The name in the JSON selects the alternative.

template <class Variant>
struct Choice;
template <class... S>
struct Choice<std::variant<S...>> {
  static std::variant<S...> from_json(ObjectReader& reader, int depth) {
    const std::string& name = reader.text("name");
    std::optional<std::variant<S...>> result;
    (void)((name == S::name && (result = struct_from_json<S>(reader, depth), true)) || ...);
    if (!result) {
      reader.fail(unknown_text("name", printable(name), std::array{S::name...}));
    }
    return *std::move(result);
  }
};

std::string schedule_to_json(const Schedule& schedule, int depth) {
  if (depth == kMaxSchedules) {
    throw std::invalid_argument("cannot save more than " + std::to_string(kMaxSchedules) + " nested schedules");
  }
  return std::visit([&](const auto& settings) { return struct_to_json(settings, depth).text(); }, schedule);
}

Schedule schedule_from_json(const JsonValue& value, int depth) {
  if (depth == kMaxSchedules) {
    throw FormatError("more than " + std::to_string(kMaxSchedules) + " nested schedules");
  }
  ObjectReader reader(value, "the schedule");
  Schedule schedule = Choice<Schedule>::from_json(reader, depth);
  reader.finish();
  return schedule;
}

}  // namespace

ObjectWriter optimizer_to_json(OptimizerRef optimizer) {
  return optimizer.visit([](const auto& settings) { return struct_to_json(settings, 0); });
}

Optimizer optimizer_from_json(ObjectReader& reader) { return Choice<Optimizer>::from_json(reader, 0); }

std::string schedule_to_json(const Schedule& schedule) {
  std::string text = schedule_to_json(schedule, 0);  // first: limits the nesting for validate()
  validate(schedule);
  return text;
}

Schedule schedule_from_json(const JsonValue& value) {
  Schedule schedule = schedule_from_json(value, 0);
  try {
    validate(schedule);
  } catch (const std::invalid_argument& error) {
    throw FormatError(std::string("the schedule: ") + error.what());
  }
  return schedule;
}

}  // namespace backpass::io
