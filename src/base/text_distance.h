// Nearest known word to a mistyped one, for messages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace melete {

// Edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`, in bytes.
size_t edit_distance(std::string_view a, std::string_view b);

// "; did you mean 'steps'?" if a candidate is near `word` (within a third of its length, at least one edit),
// else "".
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace melete
