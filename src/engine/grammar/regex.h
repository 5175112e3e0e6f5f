// Regular expressions for constrained text: the part of RE2's syntax that names a regular language.
//
// Syntax: https://github.com/google/re2/wiki/Syntax. Supported: characters, . [abc] [^a-z] [[:alpha:]] \d \w
// \s and their negations, \pL \p{Lu} \P{...} (general categories), \t \n \r \f \v \a \xHH \x{H...} \uHHHH \0,
// groups (?:...)
// (...) (?P<name>...), |, * + ? {n} {n,} {n,m} and their lazy forms (which match the same texts), ^ and $ at
// the ends of an alternative. Not supported, each an error that says so: look-around, back references, flags,
// \b \B, \C. Characters are Unicode code points. . is any but line breaks (\n \r U+2028 U+2029); \d and \w
// are ASCII; \s is
// [\t\n\f\r ], and \S leaves out all Unicode spaces, so that RE2 and ECMAScript agree with every match.
#pragma once

#include <string_view>

#include "base/result.h"
#include "engine/grammar/expression.h"

namespace melete {

enum class RegexMatch {
  whole,    // the whole text must match; ^ and $ say nothing more
  anywhere  // some part of the text must match, as JSON Schema's pattern means it; ^ and $ tie it to the ends
};

// The language as an expression of characters, sequences, choices and repeats. Errors: invalid_argument,
// naming `where`, the place and the construct; exhausted (counts above 10,000, groups deeper than 50,
// patterns longer than 20,000 bytes).
Result<Expr> parse_regex(std::string_view pattern, RegexMatch match, std::string_view where);

}  // namespace melete
