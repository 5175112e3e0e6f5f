#include "bridges/service_calls.h"

#include <algorithm>
#include <condition_variable>
#include <random>

#include "base/log.h"
#include "bridges/split_text.h"

namespace melete {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLongestDelay = std::chrono::minutes(1), kLongestAskedDelay = std::chrono::hours(1);
constexpr milliseconds kStopPoll{100};
constexpr size_t kMaxIdleCalls = 8, kMaxSaidBytes = 300;

double any_chance() {
  static thread_local std::minstd_rand random{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(random);
}

}  // namespace

ServiceTime real_time() {
  return {[] { return std::chrono::steady_clock::now(); },
          [](ServiceTime::Point until, std::stop_token stop) {
            std::mutex mutex;
            std::condition_variable_any never;
            std::unique_lock lock(mutex);
            never.wait_until(lock, stop, until, [] { return false; });
          }};
}

milliseconds retry_delay(int num_failures, double chance) {
  const milliseconds delay = milliseconds(1000) * (1 << std::clamp(num_failures - 1, 0, 6));
  const auto varied =
      static_cast<int64_t>(static_cast<double>(std::min(delay, kLongestDelay).count()) * (0.75 + chance / 2));
  return milliseconds(varied);
}

// How one try went: the answer, or an error and how long the service asks to be left alone.
struct ServiceCalls::Attempt {
  Result<ServiceReply> result;
  bool may_work_later = false;
  milliseconds asked_delay{0};
};

ServiceCalls::ServiceCalls(std::string name, std::string secret, ReadDelay read_delay, ServiceTime time)
    : name_(std::move(name)),
      secret_(std::move(secret)),
      read_delay_(std::move(read_delay)),
      time_(std::move(time)) {}

std::unique_ptr<HttpCalls> ServiceCalls::borrow() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::make_unique<HttpCalls>();
  auto calls = std::move(idle_.back());
  idle_.pop_back();
  return calls;
}

void ServiceCalls::give_back(std::unique_ptr<HttpCalls> calls) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kMaxIdleCalls) idle_.push_back(std::move(calls));
}

Error ServiceCalls::refused(const ServiceCall& call, long status, const std::string& why) const {
  std::string said = plain_text(why);
  for (size_t at; !secret_.empty() && (at = said.find(secret_)) != std::string::npos;)
    said.replace(at, secret_.size(), "(token)");
  if (said.size() > kMaxSaidBytes) said = plain_text(said.substr(0, kMaxSaidBytes)) + "...";
  return invalid_argument("[", name_, "] the service must accept ", call.what, ", got status ", status, ": ",
                          said.empty() ? "no reason" : said, "; see docs/bridges.md");
}

ServiceCalls::Attempt ServiceCalls::read(const ServiceCall& call, const HttpEnd& end,
                                         std::string body) const {
  if (!end.problem.empty())
    return {unavailable("[", name_, "] the service must be reached for ", call.what, ", got: ", end.problem,
                        "; see whether it runs and what the network does"),
            true};
  if (end.status == 200 && call.is_file) return {ServiceReply{200, Json::object(), std::move(body)}};
  Result<Json> json = parse_json(body, call.what);
  const bool makes_sense = json.ok() && json->is_object();
  if (end.status == 429) {
    const int64_t asked_ms = makes_sense ? read_delay_(*json) : 0;
    return {exhausted("[", name_, "] the service must have room for ", call.what,
                      ", got status 429; it is asked again later"),
            true,
            std::clamp(milliseconds(std::max(asked_ms, std::min(end.retry_after_s, int64_t{86400}) * 1000)),
                       milliseconds(0), kLongestAskedDelay)};
  }
  if (end.status != 200 && (end.status < 400 || end.status >= 500 || end.status == 408))
    return {unavailable("[", name_, "] the service must answer ", call.what, ", got status ", end.status,
                        "; it is asked again later"),
            true};
  if (!makes_sense && end.status == 200)
    return {corrupt("[", name_, "] the service must answer ", call.what, " with a JSON object, got ",
                    body.size(), " other bytes; check its address"),
            true};
  return {ServiceReply{end.status, makes_sense ? *std::move(json) : Json::object(), {}}};
}

ServiceCalls::Attempt ServiceCalls::attempt(const ServiceCall& call) {
  std::unique_ptr<HttpCalls> calls = borrow();
  std::optional<HttpEnd> end;
  std::string body;
  bool is_too_long = false;
  const int64_t number = calls->begin(
      call.http,
      [&](long, std::string_view bytes) {
        is_too_long = static_cast<int64_t>(body.size() + bytes.size()) > call.max_bytes;
        if (!is_too_long) body += bytes;
        return !is_too_long;
      },
      [&](const HttpEnd& ended) { end = ended; });
  const auto deadline = std::chrono::steady_clock::now() + call.limit;
  const auto is_late = [&] { return std::chrono::steady_clock::now() >= deadline; };
  while (!end && !is_too_long && !stop_.stop_requested() && !is_late()) calls->poll(kStopPoll);
  calls->cancel(number);
  give_back(std::move(calls));
  if (is_too_long)
    return {exhausted("[", name_, "] the answer to ", call.what, " must have at most ", call.max_bytes,
                      " bytes, got more; send something smaller")};
  if (end) return read(call, *end, std::move(body));
  if (stop_.stop_requested())
    return {cancelled("[", name_, "] ", call.what, " must be let end, but the bridge stops; start it again")};
  return {timed_out("[", name_, "] the service must answer ", call.what, " within ",
                    call.limit.count() / 1000, " s, got nothing; it is asked again later"),
          true};
}

// False: it isn't this call's turn, and it doesn't wait.
bool ServiceCalls::wait_for_turn(const ServiceCall& call) {
  while (!stop_.stop_requested()) {
    ServiceTime::Point until;
    {
      const std::lock_guard lock(mutex_);
      until = lanes_[static_cast<int>(call.kind)].not_before;
    }
    if (time_.now() >= until) return true;
    if (call.patience == Patience::once) return false;
    time_.wait(until, stop_.get_token());
  }
  return true;
}

// The first failure of a row is told, and then each that waits longest.
void ServiceCalls::note_failure(const ServiceCall& call, const Attempt& attempt) {
  const std::lock_guard lock(mutex_);
  Lane& lane = lanes_[static_cast<int>(call.kind)];
  const bool was_asked = attempt.asked_delay.count() > 0;
  if (call.patience == Patience::once && !was_asked) return;
  const int failures = ++lane.num_failures;
  const milliseconds delay = was_asked ? attempt.asked_delay : retry_delay(failures, any_chance());
  lane.not_before = std::max(lane.not_before, time_.now() + delay);
  if (failures == 1 || failures % 50 == 0) log_warn(attempt.result.error().message);
}

Result<ServiceReply> ServiceCalls::call(const ServiceCall& call) {
  while (true) {
    if (!wait_for_turn(call))
      return exhausted("[", name_, "] the service must be left alone for now, got ", call.what,
                       "; try again later");
    Attempt tried = attempt(call);
    if (!tried.may_work_later) {
      if (tried.result.ok()) {
        const std::lock_guard lock(mutex_);
        Lane& lane = lanes_[static_cast<int>(call.kind)];
        if (lane.num_failures > 0) log_info("[", name_, "] the service answers again");
        lane.num_failures = 0;
      }
      return std::move(tried.result);
    }
    note_failure(call, tried);
    if (call.patience == Patience::once || stop_.stop_requested()) return std::move(tried.result);
  }
}

}  // namespace melete
