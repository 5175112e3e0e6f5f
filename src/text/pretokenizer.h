// Pre-tokenization: cuts text into the pieces inside which BPE merges. The patterns of the public byte-level
// tokenizers are matched by hand-written scanners that give exactly what the regular expressions give.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace melete {

enum class SplitKind {
  gpt2,                // GPT-2's, also ByteLevel with use_regex
  cl100k,              // Llama-3: up to three digits a piece
  cl100k_one_digit,    // Qwen2, Qwen3 and our own
  cl100k_marks,        // Qwen3.5: combining marks are parts of words
  o200k,               // Llama-4, Muse: letters split by case, up to three digits
  digits,              // Digits: runs of \p{N} apart from the rest
  individual_digits,   // Digits with individual_digits: every \p{N} apart
  punctuation,         // runs of [\p{P}$+<=>^~|] apart from the rest, as GGUF's "default" has it first
  three_ascii_digits,  // three of [0-9] apart from the rest
};

// The kind whose regular expression is exactly `pattern`. Errors: invalid_argument naming the pattern and the
// kinds.
Result<SplitKind> split_kind_of(std::string_view pattern, std::string_view where);

// The regular expression of a kind (not of the kinds after o200k), as tokenizer.json writes it.
std::string_view pattern_of(SplitKind kind);

// End of the piece that begins at pos < text.size(); always > pos. Total time over a text is linear.
size_t next_piece(SplitKind kind, std::string_view text, size_t pos);

// Calls sink(piece) for every piece after all steps in turn; the pieces joined are `text`.
template <class Sink>
void split_text(const std::vector<SplitKind>& steps, size_t step, std::string_view text, Sink&& sink) {
  if (text.empty()) return;
  if (step == steps.size()) return sink(text);
  for (size_t pos = 0; pos < text.size();) {
    const size_t end = next_piece(steps[step], text, pos);
    split_text(steps, step + 1, text.substr(pos, end - pos), sink);
    pos = end;
  }
}

}  // namespace melete
