#include "server/api/wire_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/text_distance.h"

namespace melete {

std::optional<Json> take_json(std::string& body, std::optional<ApiError>& problem) {
  Result<Json> json = parse_json(body, "body");
  body = {};
  if (json.ok()) return *std::move(json);
  problem = ApiError{400, json.error().message, "", "invalid_json"};
  return std::nullopt;
}

const char* type_name(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null: return "null";
    case Json::value_t::object: return "an object";
    case Json::value_t::array: return "an array";
    case Json::value_t::string: return "a string";
    case Json::value_t::boolean: return "a boolean";
    default: return "a number";
  }
}

std::string in_quotes(std::string_view text) {
  constexpr size_t kLongest = 80;
  std::string out = "\"";
  out += text.substr(0, kLongest);
  return out + (text.size() > kLongest ? "...\"" : "\"");
}

WireReader::WireReader(const Json& object, std::string path, std::optional<ApiError>& problem)
    : object_(object.is_object() ? &object : nullptr), path_(std::move(path)), problem_(problem) {
  if (!object_) fail(path_, "invalid_type", cat("must be an object, got ", type_name(object)));
}

std::string WireReader::path_of(std::string_view name) const {
  return path_.empty() ? std::string(name) : cat(path_, ".", name);
}

void WireReader::fail(const std::string& path, std::string code, std::string message) {
  if (!problem_) problem_ = ApiError{400, std::move(message), path, std::move(code)};
}

void WireReader::wrong_type(std::string_view name, const char* expected, const Json& got) {
  fail(path_of(name), "invalid_type", cat("must be ", expected, ", got ", type_name(got)));
}

const Json* WireReader::find(std::string_view name) {
  known_.emplace_back(name);
  if (!object_) return nullptr;
  const auto found = object_->find(name);
  return found == object_->end() || found->is_null() ? nullptr : &*found;
}

std::optional<std::string> WireReader::text(std::string_view name) {
  const Json* value = find(name);
  if (!value) return std::nullopt;
  if (value->is_string()) return value->get<std::string>();
  wrong_type(name, "a string", *value);
  return std::nullopt;
}

std::optional<bool> WireReader::flag(std::string_view name) {
  const Json* value = find(name);
  if (!value) return std::nullopt;
  if (value->is_boolean()) return value->get<bool>();
  wrong_type(name, "a boolean", *value);
  return std::nullopt;
}

std::optional<double> WireReader::number(std::string_view name, double least, double most) {
  const Json* value = find(name);
  if (!value) return std::nullopt;
  if (!value->is_number()) {
    wrong_type(name, "a number", *value);
    return std::nullopt;
  }
  const auto number = value->get<double>();
  if (number >= least && number <= most) return number;
  fail(path_of(name), "invalid_value", fmt::format("must be {} to {}, got {}", least, most, number));
  return std::nullopt;
}

std::optional<int64_t> WireReader::integer(std::string_view name, int64_t least, int64_t most) {
  const Json* value = find(name);
  if (!value) return std::nullopt;
  if (!value->is_number_integer()) {
    wrong_type(name, "an integer", *value);
    return std::nullopt;
  }
  const bool is_huge = value->is_number_unsigned() && value->get<uint64_t>() > INT64_MAX;
  if (!is_huge && value->get<int64_t>() >= least && value->get<int64_t>() <= most)
    return value->get<int64_t>();
  fail(path_of(name), "invalid_value", fmt::format("must be {} to {}, got {}", least, most, value->dump()));
  return std::nullopt;
}

std::optional<size_t> WireReader::choice(std::string_view name, const std::vector<std::string>& words) {
  const std::optional<std::string> given = text(name);
  if (!given) return std::nullopt;
  const auto found = std::find(words.begin(), words.end(), *given);
  if (found != words.end()) return static_cast<size_t>(found - words.begin());
  fail(path_of(name), "invalid_value",
       cat("must be one of ", fmt::format("{}", fmt::join(words, ", ")), ", got ", in_quotes(*given)));
  return std::nullopt;
}

const Json* WireReader::array(std::string_view name) {
  const Json* value = find(name);
  if (!value || value->is_array()) return value;
  wrong_type(name, "an array", *value);
  return nullptr;
}

const Json* WireReader::object(std::string_view name) {
  const Json* value = find(name);
  if (!value || value->is_object()) return value;
  wrong_type(name, "an object", *value);
  return nullptr;
}

void WireReader::require(std::string_view name) {
  if (!has(name)) fail(path_of(name), "missing_required_parameter", "must be given");
}

std::string WireReader::required_text(std::string_view name) {
  require(name);
  return text(name).value_or("");
}

const Json* WireReader::required_array(std::string_view name) {
  require(name);
  return array(name);
}

const Json& WireReader::required_object(std::string_view name) {
  static const Json kEmpty = Json::object();
  require(name);
  const Json* found = object(name);
  return found ? *found : kEmpty;
}

void WireReader::ignore(std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) find(name);
}

void WireReader::refuse(std::string_view name, const Json& neutral, const std::string& why) {
  const Json* value = find(name);
  if (!value || *value == neutral || (value->is_structured() && value->empty())) return;
  fail(path_of(name), "unsupported_parameter", why);
}

void WireReader::finish() {
  if (!object_) return;
  for (const auto& [name, value] : object_->items()) {
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    fail(path_of(name), "unknown_parameter", cat("isn't known here", did_you_mean(name, known_)));
    return;
  }
}

}  // namespace melete
