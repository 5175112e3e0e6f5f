#include "server/api/multipart.h"

#include <algorithm>

#include "base/ascii.h"

namespace melete {
namespace {

constexpr size_t kMaxBoundary = 70;  // RFC 2046
constexpr size_t kMaxHead = 8 << 10;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// A token, or a quoted string in which browsers write %22 for a quote.
std::string value_of(std::string_view& rest) {
  std::string value;
  if (rest.empty() || rest.front() != '"') {
    const size_t end = std::min(rest.find(';'), rest.size());
    value = std::string(trimmed(rest.substr(0, end)));
    rest.remove_prefix(end);
    return value;
  }
  size_t i = 1;
  for (; i < rest.size() && rest[i] != '"'; ++i) {
    const bool escaped =
        rest[i] == '\\' && i + 1 < rest.size() && (rest[i + 1] == '"' || rest[i + 1] == '\\');
    const bool is_quote = rest.substr(i).starts_with("%22");
    if (escaped) ++i;
    value += is_quote ? '"' : rest[i];
    if (is_quote) i += 2;
  }
  rest.remove_prefix(std::min(i + 1, rest.size()));
  return value;
}

// The parameter of `header` ("form-data; name=...; filename=..."); empty if it isn't there.
std::string parameter(std::string_view header, std::string_view name) {
  std::string_view rest = header.substr(std::min(header.find(';'), header.size()));
  while (!rest.empty()) {
    rest = trimmed(rest.substr(1));
    const size_t equal = rest.find('=');
    if (equal == std::string_view::npos) return {};
    const std::string key = lower_ascii(trimmed(rest.substr(0, equal)));
    rest.remove_prefix(equal + 1);
    std::string value = value_of(rest);
    if (key == name) return value;
    rest.remove_prefix(std::min(rest.find(';'), rest.size()));
  }
  return {};
}

// The part whose head and bytes `text` is.
std::optional<FormPart> part_of(std::string_view text) {
  const size_t head_end = text.substr(0, kMaxHead).find("\r\n\r\n");
  if (head_end == std::string_view::npos) return std::nullopt;
  FormPart part;
  part.bytes = text.substr(head_end + 4);
  std::string_view head = text.substr(0, head_end);
  while (!head.empty()) {
    const std::string_view line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(std::min(line.size() + 2, head.size()));
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const std::string name = lower_ascii(trimmed(line.substr(0, colon)));
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (name == "content-disposition") {
      part.name = parameter(value, "name");
      part.file_name = parameter(value, "filename");
    } else if (name == "content-type") {
      part.type = std::string(value);
    }
  }
  return part;
}

}  // namespace

std::optional<std::vector<FormPart>> parse_form(std::string_view content_type, std::string_view body,
                                                size_t max_parts) {
  if (!lower_ascii(content_type.substr(0, 19)).starts_with("multipart/form-data")) return std::nullopt;
  const std::string boundary = parameter(content_type, "boundary");
  if (boundary.empty() || boundary.size() > kMaxBoundary) return std::nullopt;
  const std::string first = "--" + boundary, between = "\r\n" + first;
  if (!body.starts_with(first)) return std::nullopt;
  std::vector<FormPart> parts;
  std::string_view rest = body.substr(first.size());
  while (!rest.starts_with("--")) {
    const size_t end = rest.find(between);
    if (!rest.starts_with("\r\n") || end == std::string_view::npos || end < 2 || parts.size() == max_parts)
      return std::nullopt;
    auto part = part_of(rest.substr(2, end - 2));
    if (!part) return std::nullopt;
    parts.push_back(*std::move(part));
    rest.remove_prefix(end + between.size());
  }
  return parts;
}

}  // namespace melete
