#include "remote/http_calls.h"

#include <curl/curl.h>

#include <array>
#include <cstdlib>
#include <exception>
#include <map>
#include <optional>
#include <vector>

namespace melete {
namespace {

using std::chrono::milliseconds;

constexpr long kConnectTimeoutS = 10, kSilenceS = 600, kMaxConnections = 64;

// Proxies are for other machines.
const std::string& without_proxy() {
  static const std::string kHosts = [] {
    std::string hosts = "localhost,127.0.0.1,::1";
    for (const char* name : {"no_proxy", "NO_PROXY"})
      if (const char* more = std::getenv(name)) return hosts + "," + more;
    return hosts;
  }();
  return kHosts;
}

}  // namespace

class HttpCalls::Impl {
 public:
  Impl() : multi_(start()) {
    MELETE_CHECK(multi_ != nullptr, "libcurl doesn't start");
    curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, kMaxConnections);
  }
  ~Impl() {
    while (!calls_.empty()) cancel(calls_.begin()->first);
    curl_multi_cleanup(multi_);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  int64_t begin(HttpCall given, Take take, Ended ended) {
    auto call = std::make_unique<Call>();
    call->given = std::move(given);
    call->take = std::move(take);
    call->ended = std::move(ended);
    call->handle = curl_easy_init();
    MELETE_CHECK(call->handle != nullptr, "libcurl doesn't start");
    set_up(*call);
    curl_multi_add_handle(multi_, call->handle);
    calls_[++last_] = std::move(call);
    return last_;
  }

  void cancel(int64_t number) {
    const auto found = calls_.find(number);
    if (found == calls_.end()) return;
    curl_multi_remove_handle(multi_, found->second->handle);
    calls_.erase(found);
  }

  void poll(milliseconds wait) {
    int running = 0, left = 0;
    curl_multi_perform(multi_, &running);
    if (running == static_cast<int>(calls_.size()) && running > 0) {
      curl_multi_poll(multi_, nullptr, 0, static_cast<int>(wait.count()), nullptr);
      curl_multi_perform(multi_, &running);
    }
    std::vector<std::pair<CURL*, CURLcode>> done;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left))
      if (message->msg == CURLMSG_DONE) done.emplace_back(message->easy_handle, message->data.result);
    for (const auto& [handle, code] : done) finish(handle, code);
  }

 private:
  struct Call {
    ~Call() {
      curl_easy_cleanup(handle);
      curl_slist_free_all(headers);
    }
    HttpCall given;
    Take take;
    Ended ended;
    CURL* handle = nullptr;
    curl_slist* headers = nullptr;
    std::array<char, CURL_ERROR_SIZE> message{};
    bool refused = false;
    std::exception_ptr thrown;
  };

  static CURLM* start() {
    static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
    return started == CURLE_OK ? curl_multi_init() : nullptr;
  }

  static size_t on_body(char* bytes, size_t size, size_t count, void* self) {
    auto& call = *static_cast<Call*>(self);
    long status = 0;
    curl_easy_getinfo(call.handle, CURLINFO_RESPONSE_CODE, &status);
    try {
      call.refused = !call.take(status, {bytes, size * count});
    } catch (const std::exception&) {  // not through libcurl's frames
      call.thrown = std::current_exception();
      return 0;
    }
    return call.refused ? 0 : size * count;
  }

  static void set_up(Call& call) {
    const auto set = [&](auto option, auto value) { curl_easy_setopt(call.handle, option, value); };
    set(CURLOPT_URL, call.given.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_USERAGENT, "melete");
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_NOPROXY, without_proxy().c_str());
    set(CURLOPT_CONNECTTIMEOUT, kConnectTimeoutS);
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, kSilenceS);
    set(CURLOPT_ERRORBUFFER, call.message.data());
    set(CURLOPT_WRITEFUNCTION, &Impl::on_body);
    set(CURLOPT_WRITEDATA, static_cast<void*>(&call));
    if (!call.given.key.empty()) {
      set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BEARER));
      set(CURLOPT_XOAUTH2_BEARER, call.given.key.c_str());
    }
    if (call.given.body.empty()) return;
    for (const char* header :
         {"Content-Type: application/json", "Accept: text/event-stream, application/json", "Expect:"})
      call.headers = curl_slist_append(call.headers, header);
    set(CURLOPT_HTTPHEADER, call.headers);
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.given.body.size()));
    set(CURLOPT_POSTFIELDS, call.given.body.c_str());
    if (!call.given.method.empty()) set(CURLOPT_CUSTOMREQUEST, call.given.method.c_str());
  }

  void finish(CURL* handle, CURLcode code) {
    for (auto& [number, call] : calls_) {
      if (call->handle != handle) continue;
      const std::unique_ptr<Call> ended = std::move(call);
      curl_multi_remove_handle(multi_, handle);
      calls_.erase(number);
      if (ended->thrown) std::rethrow_exception(ended->thrown);
      if (ended->refused) return;
      HttpEnd end;
      curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &end.status);
      curl_off_t retry_after_s = 0;
      curl_easy_getinfo(handle, CURLINFO_RETRY_AFTER, &retry_after_s);
      end.retry_after_s = retry_after_s;
      if (code != CURLE_OK)
        end.problem = ended->message[0] != 0 ? ended->message.data() : curl_easy_strerror(code);
      ended->ended(end);
      return;
    }
  }

  CURLM* multi_;
  std::map<int64_t, std::unique_ptr<Call>> calls_;
  int64_t last_ = 0;
};

HttpCalls::HttpCalls() : impl_(std::make_unique<Impl>()) {}
HttpCalls::~HttpCalls() = default;

int64_t HttpCalls::begin(HttpCall call, Take take, Ended ended) {
  return impl_->begin(std::move(call), std::move(take), std::move(ended));
}

void HttpCalls::cancel(int64_t call) { impl_->cancel(call); }

void HttpCalls::poll(milliseconds wait) { impl_->poll(wait); }

Result<HttpAnswer> call_whole(const HttpCall& call, milliseconds limit, size_t max_bytes) {
  using Clock = std::chrono::steady_clock;
  HttpAnswer answer;
  std::optional<HttpEnd> end;
  bool is_too_long = false;
  HttpCalls calls;
  calls.begin(
      call,
      [&](long, std::string_view bytes) {
        is_too_long = answer.body.size() + bytes.size() > max_bytes;
        if (!is_too_long) answer.body += bytes;
        return !is_too_long;
      },
      [&](const HttpEnd& ended) { end = ended; });
  const auto deadline = Clock::now() + limit;
  while (!end && !is_too_long && Clock::now() < deadline) calls.poll(milliseconds(50));
  if (is_too_long)
    return exhausted("[", call.url, "] the answer must have at most ", max_bytes,
                     " bytes, got more; check the address");
  if (!end)
    return timed_out("[", call.url, "] an answer must come within ", limit.count() / 1000,
                     " s, got none; see whether the server is busy");
  if (!end->problem.empty())
    return unavailable("[", call.url, "] the server must be reached, got: ", end->problem,
                       "; see whether it runs, and check the address");
  answer.status = end->status;
  return answer;
}

}  // namespace melete
