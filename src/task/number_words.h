// English number words for spoken clips, and lists of digits as people write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace melete {

// 407 -> "four hundred seven"; CHECKs 0 <= value <= 999,999.
std::string spell_number(int64_t value);

// "407" -> "four zero seven"; CHECKs that every character is a digit.
std::string spell_digits(std::string_view digits);

// The number that a whole answer states, in digits ("407", "-3", "1,024", "407.") or words ("four hundred and
// seven", "Forty-two"); empty if the answer says anything else or has more than 64 characters.
std::optional<int64_t> read_number(std::string_view answer);

// The digits that a whole answer lists: "407", "4 0 7", "4, 0, 7.", "four zero seven" -> "407". Empty for any
// other text, for words that are no single digits, and for more than 64 characters.
std::string read_digits(std::string_view answer);

}  // namespace melete
