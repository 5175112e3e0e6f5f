// Python's string methods over marked texts.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "text/jinja/marked_text.h"

namespace melete::jinja {

enum class Side { both, left, right };

// `characters`: what to strip; white space where null.
MarkedText stripped(const MarkedText& text, Side side, const MarkedText* characters = nullptr);
MarkedText upper(const MarkedText& text);
MarkedText lower(const MarkedText& text);
MarkedText capitalized(const MarkedText& text);
// A letter after none is upper, others lower (str.title); `jinja_words`: only after white space and -({[<.
MarkedText titled(const MarkedText& text, bool jinja_words);
MarkedText replaced(const MarkedText& text, std::string_view from, const MarkedText& to, int64_t count);
// str.split and str.rsplit; `separator` null: at white space. max_splits below 0: no limit.
std::vector<MarkedText> split(const MarkedText& text, const MarkedText* separator, int64_t max_splits,
                              bool from_right);
std::vector<MarkedText> split_lines(const MarkedText& text, bool keep_ends);
MarkedText reversed(const MarkedText& text);

}  // namespace melete::jinja
