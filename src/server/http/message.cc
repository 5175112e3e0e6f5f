#include "server/http/message.h"

#include <algorithm>
#include <ctime>

namespace melete {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// What every answer says unless its handler knows better: no page may embed it, run it or guess its type, and
// nobody keeps it.
constexpr std::pair<std::string_view, std::string_view> kDefaults[] = {
    {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Referrer-Policy", "no-referrer"},
    {"Cache-Control", "no-store"}};

// What a header may hold: no line break can begin another one.
void append_clean(std::string& out, std::string_view value) {
  for (const char c : value)
    if (c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f)) out += c;
}

}  // namespace

std::string_view HttpRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return {};
}

std::string path_of(std::string_view target) { return std::string(target.substr(0, target.find('?'))); }

std::string take_header(HttpHeaders& headers, std::string_view name) {
  const auto found =
      std::find_if(headers.begin(), headers.end(), [&](const auto& header) { return header.first == name; });
  if (found == headers.end()) return {};
  std::string value = std::move(found->second);
  headers.erase(found);
  return value;
}

std::string_view reason_of(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 204: return "No Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
  }
  return "Status";
}

std::string response_head(int status, std::string_view content_type, const HttpHeaders& headers,
                          int64_t content_length, bool keep_alive) {
  std::string head;
  head.reserve(512);  // of most answers
  const auto add = [&head](const auto&... parts) { (head.append(parts), ...); };
  add("HTTP/1.1 ", std::to_string(status), " ", reason_of(status), "\r\n");
  if (!content_type.empty()) add("Content-Type: ", content_type, "\r\n");
  if (status != 204 && status != 304) {
    if (content_length < 0)
      add("Transfer-Encoding: chunked\r\n");
    else
      add("Content-Length: ", std::to_string(content_length), "\r\n");
  }
  for (const auto& [name, value] : headers) {
    append_clean(head, name);
    head += ": ";
    append_clean(head, value);
    head += "\r\n";
  }
  for (const auto& standard : kDefaults) {
    const bool is_given = std::any_of(headers.begin(), headers.end(),
                                      [&](const auto& header) { return header.first == standard.first; });
    if (!is_given) add(standard.first, ": ", standard.second, "\r\n");
  }
  head += keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  return head;
}

bool decode_path(std::string_view encoded, std::string& path) {
  path.clear();
  if (encoded.empty() || encoded[0] != '/') return false;
  for (size_t i = 0; i < encoded.size(); ++i) {
    if (encoded[i] != '%') {
      path += encoded[i];
      continue;
    }
    if (i + 2 >= encoded.size()) return false;
    const int high = hex_digit(encoded[i + 1]), low = hex_digit(encoded[i + 2]);
    if (high < 0 || low < 0) return false;
    path += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return path.find('\0') == std::string::npos;
}

std::map<std::string, std::string> parse_query(std::string_view query) {
  const auto decoded = [](std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      const bool is_code = text[i] == '%' && high >= 0 && low >= 0;
      out += is_code ? static_cast<char>(high * 16 + low) : text[i] == '+' ? ' ' : text[i];
      if (is_code) i += 2;
    }
    return out;
  };
  std::map<std::string, std::string> fields;
  while (!query.empty()) {
    const std::string_view field = query.substr(0, query.find('&'));
    const size_t equal = std::min(field.find('='), field.size());
    if (!field.empty())
      fields[decoded(field.substr(0, equal))] = decoded(field.substr(std::min(equal + 1, field.size())));
    query.remove_prefix(std::min(field.size() + 1, query.size()));
  }
  return fields;
}

std::string event_text(std::string_view name, std::string_view data, std::string_view id) {
  std::string text;
  text.reserve(id.size() + name.size() + data.size() + 32);
  if (!id.empty()) text.append("id: ").append(id).append("\n");
  if (!name.empty()) text.append("event: ").append(name).append("\n");
  return text.append("data: ").append(data).append("\n\n");
}

}  // namespace melete
