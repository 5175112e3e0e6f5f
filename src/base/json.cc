#include "base/json.h"

namespace melete {
namespace {

constexpr int kMaxDepth = 128;

// The deepest nesting of brackets outside strings; cheap, and done first because a parser recurses.
int nesting_depth(std::string_view text) {
  int depth = 0, deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view where) {
  if (const int depth = nesting_depth(text); depth > kMaxDepth)
    return corrupt("[", where, "] JSON nesting must be at most ", kMaxDepth, ", got ", depth, "; simplify the file");
  try {
    return Json::parse(text);
  } catch (const Json::exception& e) {
    return corrupt("[", where, "] must be valid JSON, got: ", e.what(), "; check the file");
  }
}

}  // namespace melete
