// WireReader: reads one JSON object of a request by its fields' names, and keeps the first thing that is
// wrong with its place in the body. After a problem every value reads as its default, so that parsing code
// goes straight on and looks once, at the end. A field that is null counts as absent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "server/api/api_error.h"

namespace melete {

class WireReader {
 public:
  // `object` may be of any type: it is a problem if it is no object. All outlive the reader.
  WireReader(const Json& object, std::string path, std::optional<ApiError>& problem);

  // The field's value; null if it is absent. The field counts as known.
  const Json* find(std::string_view name);
  bool has(std::string_view name) { return find(name) != nullptr; }

  std::optional<std::string> text(std::string_view name);
  std::optional<bool> flag(std::string_view name);
  std::optional<double> number(std::string_view name, double least, double most);
  std::optional<int64_t> integer(std::string_view name, int64_t least, int64_t most);
  // One of the words, as its index.
  std::optional<size_t> choice(std::string_view name, const std::vector<std::string>& words);
  const Json* array(std::string_view name);
  const Json* object(std::string_view name);

  // Absence is a problem too.
  void require(std::string_view name);
  std::string required_text(std::string_view name);
  const Json* required_array(std::string_view name);
  const Json& required_object(std::string_view name);  // empty where it is absent

  // Known, and taken without any effect.
  void ignore(std::initializer_list<std::string_view> names);
  // Known, but not with this value; absent values and `neutral` (an empty list or object too) are fine.
  void refuse(std::string_view name, const Json& neutral, const std::string& why);

  // A field that nobody asked for is a problem.
  void finish();

  std::string path_of(std::string_view name) const;
  void fail(const std::string& path, std::string code, std::string message);
  bool failed() const { return problem_.has_value(); }

 private:
  void wrong_type(std::string_view name, const char* expected, const Json& got);

  const Json* object_;  // null: none
  std::string path_;
  std::optional<ApiError>& problem_;
  std::vector<std::string> known_;
};

// A request's body, which is taken away, as JSON. Nothing: `problem` is set.
std::optional<Json> take_json(std::string& body, std::optional<ApiError>& problem);

// "a string", "an object", ...
const char* type_name(const Json& value);

// A value for a message, short and in quotes if it is text.
std::string in_quotes(std::string_view text);

}  // namespace melete
