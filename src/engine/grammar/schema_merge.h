// Schemas before they are compiled: their keywords checked, references looked up, allOf merged into one.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace melete {

// A schema that holds where both do. Contradictions stay in it (minimum above maximum) and match nothing.
// Errors: invalid_argument (keywords that can't be merged).
Result<Json> merge_schemas(const Json& a, const Json& b, const std::string& where);

class SchemaDocument {
 public:
  explicit SchemaDocument(const Json& root) : root_(root) {}

  // Errors: invalid_argument for an unknown keyword, naming it, its place and those that are supported.
  static Status check_keywords(const Json& schema, const std::string& where);
  // Whether it says anything about a value but where it is defined ($ref aside, if told so).
  static bool has_assertions(const Json& schema, bool besides_ref);

  // What "#/a/b" points at. Errors: invalid_argument.
  Result<const Json*> find(const Json& reference, const std::string& where) const;

  // The same schema without allOf, oneOf (anyOf instead) and $ref beside other keywords. Errors: those of the
  // others, invalid_argument (a schema that is a part of itself), exhausted.
  Result<Json> flatten(const Json& schema, const std::string& where, int depth = 0) const;

 private:
  Result<Json> flatten_all_of(Json schema, const std::string& where, int depth) const;

  const Json& root_;
  mutable int64_t work_ = 0;  // values looked at by flatten(), which references to references can multiply
};

}  // namespace melete
