// One HTTP request and one answer, as handlers see them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace melete {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;   // "GET"
  std::string path;     // decoded, without the query: "/v1/models"
  std::string query;    // as it was sent, without the question mark
  HttpHeaders headers;  // names in lower case
  std::string body;
  std::string client;                             // "127.0.0.1:52044"
  std::string id;                                 // what x-request-id says, ours or the client's
  std::map<std::string, std::string> parameters;  // of the route's template: {id}

  // The first of that name, in lower case; empty if there is none.
  std::string_view header(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  HttpHeaders headers = {};  // further ones
};

// Takes the first of that name out; empty if there is none.
std::string take_header(HttpHeaders& headers, std::string_view name);

// A target without its query.
std::string path_of(std::string_view target);

// "Not Found".
std::string_view reason_of(int status);

// The head of an answer up to the empty line, with a strict content security policy and the like unless
// `headers` has others. content_length below 0: the body comes in chunks.
std::string response_head(int status, std::string_view content_type, const HttpHeaders& headers,
                          int64_t content_length, bool keep_alive);

// Path with %XX decoded. False: not a path, or one with NUL bytes.
bool decode_path(std::string_view encoded, std::string& path);

// The query's fields, decoded; the last of a name counts. What isn't %XX stays as it is.
std::map<std::string, std::string> parse_query(std::string_view query);

// One event of a text/event-stream; the data has no line breaks. No name: only data. An id is what a client
// sends back as Last-Event-ID when it comes again.
std::string event_text(std::string_view name, std::string_view data, std::string_view id = {});

}  // namespace melete
