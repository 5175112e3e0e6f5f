// Typed reads of a JSON object's fields, for config.json. The first field with a wrong value is remembered
// and later reads change nothing, so a parser can read all fields and ask once. And one field's way back.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/json.h"

namespace melete {

// A token id as it is written: null where the model has none (-1).
inline Json optional_id(int64_t id) { return id < 0 ? Json() : Json(id); }

class ConfigFields {
 public:
  using Value = nlohmann::json;

  // `object` must be a JSON object and outlive this; `path` begins the field's name in messages
  // ("text_config.").
  ConfigFields(const Value& object, std::string path, std::string& problem)
      : object_(object), path_(std::move(path)), problem_(problem) {}

  // Null if the field is absent.
  const Value* find(const char* name) const {
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }
  // Null also for an explicit null, which transformers reads as "use the default".
  const Value* given(const char* name) const {
    const Value* value = find(name);
    return value != nullptr && value->is_null() ? nullptr : value;
  }

  int64_t integer(const char* name, int64_t fallback) {
    const Value* value = given(name);
    if (value == nullptr) return fallback;
    if (is_integer(*value)) return value->get<int64_t>();
    return wrong(name, "a whole number", *value), fallback;
  }

  double number(const char* name, double fallback) {
    const Value* value = given(name);
    if (value == nullptr) return fallback;
    if (value->is_number()) return value->get<double>();
    return wrong(name, "a number", *value), fallback;
  }

  // A list of whole numbers of any length up to kMaxItems.
  std::vector<int64_t> integers(const char* name, std::vector<int64_t> fallback) {
    return list(name, std::move(fallback), "a list of whole numbers", is_integer,
                [](const Value& v) { return v.get<int64_t>(); });
  }
  std::vector<double> numbers(const char* name, std::vector<double> fallback) {
    return list(
        name, std::move(fallback), "a list of numbers", [](const Value& v) { return v.is_number(); },
        [](const Value& v) { return v.get<double>(); });
  }
  // A list of two words: 1 for `yes`, 0 for `no`.
  std::vector<uint8_t> choices(const char* name, std::vector<uint8_t> fallback, std::string_view yes,
                               std::string_view no) {
    const auto known = [&](const Value& v) { return v.is_string() && (v == yes || v == no); };
    return list(name, std::move(fallback), cat("a list of \"", yes, "\" and \"", no, "\""), known,
                [&](const Value& v) { return static_cast<uint8_t>(v == yes); });
  }

  // Anything but `only` is refused: the model code computes nothing else.
  void require(const char* name, const Value& only) {
    const Value* value = given(name);
    if (value != nullptr && *value != only) wrong(name, cat("absent or ", only.dump()), *value);
  }

  void wrong(const char* name, const std::string& wanted, const Value& got) {
    const std::string text = got.dump(-1, ' ', true, Value::error_handler_t::replace);
    if (problem_.empty())
      problem_ =
          cat(path_, name, " must be ", wanted, ", got ", text.substr(0, 80), text.size() > 80 ? "..." : "");
  }

 private:
  static constexpr size_t kMaxItems = 4096;

  static bool is_integer(const Value& v) {
    return v.is_number_integer() &&
           (!v.is_number_unsigned() || v.get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX));
  }

  template <class T, class Fits, class Convert>
  std::vector<T> list(const char* name, std::vector<T> fallback, const std::string& wanted, const Fits& fits,
                      const Convert& convert) {
    const Value* value = given(name);
    if (value == nullptr) return fallback;
    bool all_fit = value->is_array() && value->size() <= kMaxItems;
    std::vector<T> items;
    for (size_t i = 0; all_fit && i < value->size(); ++i) {
      all_fit = fits((*value)[i]);
      if (all_fit) items.push_back(convert((*value)[i]));
    }
    if (all_fit) return items;
    return wrong(name, wanted, *value), fallback;
  }

  const Value& object_;
  std::string path_;
  std::string& problem_;
};

}  // namespace melete
