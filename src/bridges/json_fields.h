// Members of JSON that nobody vouches for.
#pragma once

#include <string>

#include "base/json.h"

namespace melete {

// Null where `object` is none, or has no such member.
inline const Json& field_of(const Json& object, const char* name) {
  static const Json kNothing;
  if (!object.is_object()) return kNothing;
  const auto found = object.find(name);
  return found == object.end() ? kNothing : *found;
}

// Empty where the member is no text.
inline std::string text_field(const Json& object, const char* name) {
  const Json& value = field_of(object, name);
  return value.is_string() ? value.get<std::string>() : std::string();
}

}  // namespace melete
