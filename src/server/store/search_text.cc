#include "server/store/search_text.h"

#include <algorithm>

#include "text/utf8.h"

namespace melete {
namespace {

constexpr size_t kMaxWords = 32;

std::string without_controls(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return (c >= 0 && c < ' ' && c != '\n') || c == 127; }, ' ');
  return text;
}

bool may_be_letter(char c) {
  return c < 0 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

std::string searchable_text(const Json& content) {
  if (content.is_string()) return without_controls(content.get<std::string>());
  std::string text;
  if (!content.is_array()) return text;
  for (const Json& part : content)
    if (part.is_object() && part.contains("text") && part["text"].is_string())
      text += (text.empty() ? "" : "\n") + part["text"].get<std::string>();
  return without_controls(std::move(text));
}

std::string search_query(std::string_view text) {
  // Whatever isn't a letter or a digit splits words for the index too, ASCII being all that has to be known
  // here.
  std::vector<std::string> words;
  bool inside = false;
  for (const char c : valid_utf8(text)) {
    if (!may_be_letter(c)) {
      inside = false;
      continue;
    }
    if (!inside && words.size() == kMaxWords) break;
    if (!inside) words.emplace_back();
    inside = true;
    words.back() += c;
  }
  std::string query;
  for (const std::string& word : words) query += (query.empty() ? "\"" : " \"") + word + "\"";
  return query.empty() ? query : query + " *";
}

std::vector<SnippetPiece> snippet_pieces(std::string_view snippet) {
  std::vector<SnippetPiece> pieces;
  bool match = false;
  std::string text;
  const auto put = [&] {
    if (!text.empty()) pieces.push_back({text, match});
    text.clear();
  };
  for (const char c : snippet) {
    if (c != *kMatchBegin && c != *kMatchEnd) {
      text += c;
      continue;
    }
    put();
    match = c == *kMatchBegin;
  }
  put();
  return pieces;
}

}  // namespace melete
