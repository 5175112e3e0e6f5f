// JSON Schema (draft 2020-12, https://json-schema.org/draft/2020-12/json-schema-core) as an automaton of the
// texts that a model may write.
//
// Keywords: type, enum, const; properties, required, additionalProperties; items, prefixItems, minItems,
// maxItems; minLength, maxLength, pattern (regex.h), format (date, time, date-time, uuid, email, ipv4);
// minimum, maximum, exclusiveMinimum, exclusiveMaximum; anyOf, oneOf; allOf where its schemas can be merged;
// $ref to any place of the same document, also to itself; $defs and definitions. title, description,
// default, examples, $schema, $id, $comment, deprecated, readOnly and writeOnly say nothing about a value.
// Any other keyword is an error that names it and its place.
//
// Every text validates; not every valid document can be written:
// - members come in the order of `properties`, then others; with `properties` and no additionalProperties
//   there are no others;
// - without `type`, the other keywords tell it: `properties` means an object;
// - oneOf is anyOf: a value may match two of its schemas;
// - white space, numbers and depth as json_rules.h limits them; numbers with bounds have no exponent;
// - pattern and format don't go with other keywords on length.
#pragma once

#include <memory>
#include <string_view>

#include "base/json.h"
#include "engine/grammar/automaton.h"

namespace melete {

// Errors: invalid_argument (a keyword or value that isn't supported, with its place as a JSON pointer;
// nothing can match), exhausted (too large).
Result<std::shared_ptr<const Automaton>> json_schema_automaton(const Json& schema, const ByteSet& allowed);

}  // namespace melete
