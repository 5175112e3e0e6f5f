// One request and its answer without a network, for tests.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "server/http/router.h"

namespace melete {

// What a router answers, without a network. A stream is read to its end.
class Asked {
 public:
  Asked(Router& router, HttpRequest request)
      : Asked(std::move(request), [&](ExchangePtr exchange) { router.handle(std::move(exchange)); }) {}
  // The same of one handler.
  Asked(HttpRequest request, const std::function<void(ExchangePtr)>& handle) {
    state_ = std::make_shared<ExchangeState>(
        [this] {
          const std::lock_guard lock(mutex_);
          woken_ = true;
          changed_.notify_all();
        },
        size_t{1} << 20);
    handle(std::make_shared<Exchange>(std::move(request), state_));
    while (!take()) {
      if (has_more_) continue;  // a source gives a piece at a time
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return std::exchange(woken_, false); });
    }
    state_->set_gone();
  }
  int status = 0;
  HttpHeaders headers;
  std::string body;

  std::string header(const std::string& name) const {
    for (const auto& [key, value] : headers)
      if (key == name) return value;
    return {};
  }

 private:
  bool take() {
    auto output = state_->take();
    if (output.response) {
      status = output.response->status;
      headers = output.response->headers;
      body = output.response->body;
      return true;
    }
    if (output.stream) {
      status = 200;
      headers = *output.stream;
    }
    body += output.bytes;
    has_more_ = !output.bytes.empty();
    return output.ended || output.abandoned;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false, has_more_ = false;
  std::shared_ptr<ExchangeState> state_;
};

}  // namespace melete
