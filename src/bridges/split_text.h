// Answers as chat services take them: plain text in parts of bounded length. Lengths are UTF-16 units, which
// is how Telegram counts (Bot API, "sendMessage": 4096).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace melete {

// Of valid UTF-8: characters beyond U+FFFF count two.
size_t utf16_units(std::string_view text);

// Valid UTF-8 without control characters other than line feeds and tabs (carriage returns go too), so that
// nothing in it can do more than be read.
std::string plain_text(std::string_view text);

// Parts of at most max_units (>= 100) that are read one after another. Cut between paragraphs where the part
// is then at least half full, else between lines, sentences, words, characters; white space at a cut is left
// out. A Markdown code block that is cut is closed and begun again, so that each part can be read alone. No
// part is empty. A text that begins with `text` has the same parts, up to the last but one of these.
std::vector<std::string> split_text(std::string_view text, size_t max_units);

}  // namespace melete
