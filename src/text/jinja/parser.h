// Parses Jinja's statements and expressions, with its precedence.
#pragma once

#include <string_view>

#include "text/jinja/ast.h"

namespace melete::jinja {

// Throws Failure (syntax) naming the line: what isn't Jinja, what no chat template needs (include, import,
// extends, block), and nesting beyond kMaxNesting.
Body parse(std::string_view source);

inline constexpr int kMaxNesting = 100;

}  // namespace melete::jinja
