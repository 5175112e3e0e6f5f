#include "text/named_file.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/check.h"

namespace melete {
namespace {

constexpr size_t kMostWordBytes = 16;
constexpr std::array<std::string_view, 9> kOrdinals = {"first", "second",  "third",  "fourth", "fifth",
                                                       "sixth", "seventh", "eighth", "ninth"};

std::string_view kind_of(std::string_view word) {
  if (word == "picture" || word == "image" || word == "photo") return "picture";
  return word == "clip" || word == "video" ? "clip" : "";
}

int ordinal_of(std::string_view word) {
  const auto found = std::find(kOrdinals.begin(), kOrdinals.end(), word);
  return found == kOrdinals.end() ? 0 : static_cast<int>(found - kOrdinals.begin()) + 1;
}

bool is_number(std::string_view word) {
  return word.size() <= 3 && word[0] != '0' && word.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

void NamedFile::put(std::string_view text) {
  for (const char c : lower_ascii(text)) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      if (word_.size() < kMostWordBytes) word_ += c;
      continue;
    }
    if (c == ' ' || c == '#')
      end_word();
    else
      end();
  }
}

void NamedFile::end() {
  end_word();
  kind_.clear();
  ordinal_ = 0;
}

void NamedFile::end_word() {
  if (word_.empty()) return;
  const std::string_view kind = kind_of(word_);
  if (!kind.empty() && ordinal_ > 0) last_ = cat(kind, " ", ordinal_);
  if (!kind_.empty() && is_number(word_)) last_ = cat(kind_, " ", word_);
  kind_ = kind;
  ordinal_ = ordinal_of(word_);
  word_.clear();
}

}  // namespace melete
