// Calls to a chat service over HTTP, asked again until they are answered: what can't be reached, fails with
// 5xx, talks nonsense or says "too many requests" (429) is waited for, ever longer, at least as long as it
// asks for.
//
// Messages of errors name the call, never its address, which may hold the account's token.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/json.h"
#include "bridges/bridge.h"
#include "remote/http_calls.h"

namespace melete {

// Steady time, and waiting for a point of it; tests bring their own.
struct ServiceTime {
  using Point = std::chrono::steady_clock::time_point;
  std::function<Point()> now;
  std::function<void(Point until, std::stop_token stop)> wait;  // returns at a stop too
};
ServiceTime real_time();

// How long to wait after so many failures in a row (>= 1): 1 s, 2 s, 4 s ... 60 s, times 0.75 to 1.25 for
// chance in [0, 1).
std::chrono::milliseconds retry_delay(int num_failures, double chance);

struct ServiceCall {
  // Calls of one kind wait for one another's "too many requests".
  enum class Kind { receive, send, fetch };

  std::string what;  // "sendMessage"
  Kind kind = Kind::send;
  HttpCall http;
  Patience patience = Patience::until_it_works;
  std::chrono::milliseconds limit = std::chrono::seconds(30);
  int64_t max_bytes = int64_t{8} << 20;
  bool is_file = false;  // the answer to 200 is bytes, not a JSON object
};

// An answer that makes sense: 200, or a refusal (4xx).
struct ServiceReply {
  long status = 0;
  Json json = Json::object();
  std::string bytes;  // of a file
};

class ServiceCalls {
 public:
  // `name` begins log lines; `secret` is taken out of everything that is said of the service's answers.
  // retry_after_ms: what a refused call's JSON says of waiting, 0: nothing.
  using ReadDelay = std::function<int64_t(const Json& refusal)>;
  ServiceCalls(std::string name, std::string secret, ReadDelay read_delay, ServiceTime time);

  // Errors: cancelled (stopped); exhausted (more than max_bytes); and, only of a call that is tried once,
  // unavailable, timeout, corrupt (the answer is no JSON object), exhausted (too many requests).
  Result<ServiceReply> call(const ServiceCall& call);

  void stop() { stop_.request_stop(); }
  const std::string& name() const { return name_; }
  // An error that says what the service refused and why.
  Error refused(const ServiceCall& call, long status, const std::string& why) const;

 private:
  struct Attempt;

  Attempt attempt(const ServiceCall& call);
  Attempt read(const ServiceCall& call, const HttpEnd& end, std::string body) const;
  bool wait_for_turn(const ServiceCall& call);
  void note_failure(const ServiceCall& call, const Attempt& attempt);
  std::unique_ptr<HttpCalls> borrow();
  void give_back(std::unique_ptr<HttpCalls> calls);

  struct Lane {
    ServiceTime::Point not_before{};
    int num_failures = 0;  // in a row
  };

  const std::string name_, secret_;
  const ReadDelay read_delay_;
  const ServiceTime time_;
  std::stop_source stop_;
  std::mutex mutex_;  // of all below
  Lane lanes_[3];
  std::vector<std::unique_ptr<HttpCalls>> idle_;  // with their connections
};

}  // namespace melete
