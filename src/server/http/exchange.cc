#include "server/http/exchange.h"

namespace melete {

// Under the mutex: tells the connection once until it has looked.
void ExchangeState::changed(std::unique_lock<std::mutex>& lock) {
  const bool tell = !std::exchange(woken_, true);
  lock.unlock();
  if (tell) wake_();
}

ExchangeState::Output ExchangeState::take() {
  const std::lock_guard lock(mutex_);
  woken_ = false;
  Output taken = std::exchange(output_, {});
  output_.ended = taken.ended;
  output_.abandoned = taken.abandoned;
  room_.notify_all();
  return taken;
}

void ExchangeState::set_gone() {
  std::function<void()> act;
  {
    const std::lock_guard lock(mutex_);
    if (gone_) return;
    gone_ = true;
    if (!finished_) act = std::exchange(act_, nullptr);
    room_.notify_all();
  }
  if (act) act();
}

void ExchangeState::respond(HttpResponse response) {
  std::unique_lock lock(mutex_);
  MELETE_CHECK(!answered_, "answered twice");
  answered_ = finished_ = true;
  output_.response = std::move(response);
  changed(lock);
}

void ExchangeState::begin_stream(HttpHeaders headers) {
  std::unique_lock lock(mutex_);
  MELETE_CHECK(!answered_, "answered twice");
  answered_ = true;
  output_.stream = std::move(headers);
  changed(lock);
}

bool ExchangeState::put(std::string bytes) {
  std::unique_lock lock(mutex_);
  MELETE_CHECK(answered_, "no open stream");
  room_.wait(lock, [&] { return gone_ || finished_ || output_.bytes.size() < max_pending_bytes_; });
  if (gone_ || finished_) return false;
  output_.bytes += bytes;
  changed(lock);
  return true;
}

void ExchangeState::end_stream() {
  std::unique_lock lock(mutex_);
  MELETE_CHECK(answered_ && !finished_, "no open stream");
  finished_ = output_.ended = true;
  changed(lock);
}

void ExchangeState::abandon() {
  std::unique_lock lock(mutex_);
  act_ = nullptr;
  if (finished_) return;
  output_.abandoned = true;
  changed(lock);
}

void ExchangeState::note(const std::string& name, Json value) {
  const std::lock_guard lock(mutex_);
  notes_[name] = std::move(value);
}

Json ExchangeState::notes() const {
  const std::lock_guard lock(mutex_);
  return notes_;
}

bool ExchangeState::gone() const {
  const std::lock_guard lock(mutex_);
  return gone_;
}

void ExchangeState::on_gone(std::function<void()> act) {
  {
    const std::lock_guard lock(mutex_);
    act_ = gone_ ? nullptr : act;
    if (!gone_) return;
  }
  act();
}

void Exchange::respond(HttpResponse response) { state_->respond(std::move(response)); }

void Exchange::respond(int status, const Json& body, HttpHeaders headers) {
  HttpResponse response;
  response.status = status;
  response.body = json_text(body);
  response.headers = std::move(headers);
  respond(std::move(response));
}

void Exchange::begin_stream(HttpHeaders headers) { state_->begin_stream(std::move(headers)); }

void Exchange::end_stream() { state_->end_stream(); }

}  // namespace melete
