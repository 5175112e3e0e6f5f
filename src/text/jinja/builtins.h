// What filters, tests, methods and functions share: their arguments.
#pragma once

#include <string>
#include <string_view>

#include "text/jinja/interpreter.h"

namespace melete::jinja {

inline const Value& argument(const Arguments& arguments, size_t index, std::string_view name) {
  static const Value kNone;
  const Value* found = arguments.find(index, name);
  return found ? *found : kNone;
}

inline const Value& required(const Arguments& arguments, size_t index, std::string_view name) {
  const Value* found = arguments.find(index, name);
  if (!found) fail("argument '", name, "' is missing");
  return *found;
}

inline const MarkedText& text_of(const Value& value, std::string_view what) {
  if (const Undefined* missing = value.undefined()) fail("'", missing->name, "' is undefined");
  const MarkedText* text = value.text();
  if (!text) fail(what, " must be a text, got ", value.type_name());
  return *text;
}

inline int64_t integer_of(const Value& value, std::string_view what) {
  const auto integer = value.as_integer();
  if (!integer) fail(what, " must be an integer, got ", value.type_name());
  return *integer;
}

// str(value).
inline MarkedText str(Interpreter& in, const Value& value) {
  MarkedText text;
  in.append(value, text);
  return text;
}

// "a.b.0" of a value.
Value attribute_path(Interpreter& in, Value value, const Value& path);

}  // namespace melete::jinja
