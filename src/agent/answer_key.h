// When two answers are the same vote: the typed key of an answer.
//
// Numbers compare by value ("7.0", "seven", "7." and "7 kcal" differ only where the value or the unit does),
// boxes and JSON by their canonical form, all else by folded text.
#pragma once

#include <string>
#include <string_view>

namespace melete {

// Empty for an answer without content: such an answer is no vote.
std::string answer_key(std::string_view answer);

}  // namespace melete
