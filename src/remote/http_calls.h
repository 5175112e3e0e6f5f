// HttpCalls: several requests at a time through libcurl, whose answers are read as they come, on the caller's
// thread. Connections are kept for the next calls of the same object.
//
// Proxies come from the environment as for curl, but never for this machine. Redirects are not followed, so
// that the key goes to the given server alone. Source of the interface: libcurl-multi(3).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace melete {

struct HttpCall {
  std::string url;
  std::string key;          // sent as a bearer token; empty: none
  std::string body;         // JSON; empty: a GET
  std::string method = {};  // of a call with a body: "PUT"; empty: POST
};

// How a call ended. status: of the answer, 0 without one. problem: why it is not whole, or empty.
// retry_after_s: what the header Retry-After says, 0 without it.
struct HttpEnd {
  long status = 0;
  std::string problem;
  int64_t retry_after_s = 0;
};

class HttpCalls {
 public:
  // Both are called in poll() alone. take: bytes of the answer's body, with its status; false ends the call,
  // untold.
  using Take = std::function<bool(long status, std::string_view bytes)>;
  using Ended = std::function<void(const HttpEnd&)>;

  HttpCalls();
  ~HttpCalls();  // ends all calls, untold
  HttpCalls(const HttpCalls&) = delete;
  HttpCalls& operator=(const HttpCalls&) = delete;

  int64_t begin(HttpCall call, Take take, Ended ended);
  // Ends a call, untold; nothing if it has ended.
  void cancel(int64_t call);
  // Waits until something comes, for so long at most, and hands it on. Throws what `take` threw, whose call
  // has ended.
  void poll(std::chrono::milliseconds wait);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// One call, whole. Errors: invalid_argument (no http or https address), unavailable (not reached, cut),
// exhausted (beyond max_bytes), timeout.
struct HttpAnswer {
  long status = 0;
  std::string body;
};
Result<HttpAnswer> call_whole(const HttpCall& call, std::chrono::milliseconds limit,
                              size_t max_bytes = size_t{4} << 20);

}  // namespace melete
