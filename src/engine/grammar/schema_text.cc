#include "engine/grammar/schema_text.h"

#include <utility>

#include "engine/grammar/regex.h"
#include "engine/grammar/schema_counts.h"

namespace melete {
namespace {

// RFC 3339: days that the month has, leap years by the Gregorian rule.
constexpr const char* kDate =
    "(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|"
    "02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])"
    "00)-02-29)";
constexpr const char* kTime =
    "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,9})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])";

// The expression of a format; empty: unknown.
std::string format_pattern(const std::string& name) {
  if (name == "date") return kDate;
  if (name == "time") return kTime;
  if (name == "date-time") return std::string(kDate) + "T" + kTime;
  if (name == "uuid") return "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}";
  if (name == "email") {
    const std::string atom = "[A-Za-z0-9_+-]{1,20}", label = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,20}[A-Za-z0-9])?";
    return atom + "(?:\\." + atom + "){0,2}@" + label + "(?:\\." + label + "){1,4}";
  }
  const std::string byte = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
  if (name == "ipv4") return byte + "(?:\\." + byte + "){3}";
  return {};
}

}  // namespace

Result<Expr> schema_string(const Json& schema, const std::string& where, JsonRules& rules) {
  MELETE_ASSIGN_OR_RETURN(const Counts length, schema_counts(schema, "minLength", "maxLength", where));
  const bool has_pattern = schema.contains("pattern"), has_format = schema.contains("format");
  if (has_pattern + has_format + length.given > 1)
    return invalid_argument(
        "[schema] a string must have one of pattern, format and minLength or maxLength, got "
        "more at ",
        where, "; say all of it in the pattern");
  if (!has_pattern && !has_format) {
    if (!length.given) return rules.string();
    return rules.quoted(repeat(rules.string_character(), length.min, length.max));
  }
  const std::string key = has_pattern ? "pattern" : "format";
  if (!schema[key].is_string())
    return invalid_argument("[schema] ", key, " must be a string, got ", schema[key].type_name(), " at ",
                            where, "; put it in quotes");
  std::string pattern = schema[key].get<std::string>();
  if (has_format) {
    const std::string name = std::exchange(pattern, format_pattern(pattern));
    if (pattern.empty())
      return invalid_argument("[schema] format must be date, time, date-time, uuid, email or ipv4, got ",
                              name, " at ", where, "; leave it out or write a pattern");
  }
  MELETE_ASSIGN_OR_RETURN(const Expr text,
                          parse_regex(pattern, has_format ? RegexMatch::whole : RegexMatch::anywhere,
                                      cat("schema ", where, "/", key)));
  return rules.quoted(inside_json_string(text));
}

}  // namespace melete
