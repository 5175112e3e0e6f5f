// Cuts a template into tokens, with Jinja's whitespace control and the settings that chat templates assume:
// trim_blocks, lstrip_blocks, no newline at the end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace melete::jinja {

struct Token {
  enum class Kind {
    data,            // text: what stands between tags
    variable_begin,  // {{
    variable_end,
    block_begin,  // {%
    block_end,
    name,
    string,   // text: its value
    integer,  // integer
    real,     // real
    symbol,   // text: an operator or bracket
    end,
  };
  Kind kind = Kind::end;
  std::string text;
  int64_t integer = 0;
  double real = 0;
  int line = 1;
};

// Throws Failure (syntax) naming the line.
std::vector<Token> tokenize(std::string_view source);

}  // namespace melete::jinja
