#include "server/http/exchange.h"

namespace melete {

// Under the mutex: tells the connection once until it has looked.
void ExchangeState::changed(std::unique_lock<std::mutex>& lock) {
  const bool tell = !std::exchange(woken_, true);
  lock.unlock();
  if (tell) wake_();
}

ExchangeState::Output ExchangeState::take(Writer writer) {
  std::shared_ptr<Source> source;
  Output taken;
  {
    const std::lock_guard lock(mutex_);
    woken_ = false;
    taken = std::exchange(output_, {});
    output_.ended = taken.ended;
    output_.abandoned = taken.abandoned;
    source = source_;
    writer_ = taken.bytes.empty() && !source ? std::move(writer) : nullptr;
    room_.notify_all();
  }
  if (!source || !(*source)(taken.bytes)) return taken;
  const std::lock_guard lock(mutex_);
  source_.reset();  // not the last: `source` goes after the lock
  taken.ended = finished_ = output_.ended = true;
  return taken;
}

void ExchangeState::set_gone() {
  std::function<void()> act;
  std::shared_ptr<Source> source;
  {
    const std::lock_guard lock(mutex_);
    if (gone_) return;
    gone_ = true;
    writer_ = nullptr;
    source = std::exchange(source_, nullptr);
    if (!finished_) act = std::exchange(act_, nullptr);
    room_.notify_all();
  }
  if (act) act();
}

bool ExchangeState::try_respond(HttpResponse response) {
  std::unique_lock lock(mutex_);
  if (streams_) return false;
  MELETE_CHECK(!answered_, "answered twice");
  answered_ = finished_ = true;
  output_.response = std::move(response);
  changed(lock);
  return true;
}

void ExchangeState::allow_stream(HttpHeaders headers) {
  const std::lock_guard lock(mutex_);
  early_headers_ = std::move(headers);
}

std::optional<HttpHeaders> ExchangeState::begin_early() {
  const std::lock_guard lock(mutex_);
  if (!early_headers_ || answered_) return std::nullopt;
  answered_ = streams_ = true;
  return early_headers_;
}

void ExchangeState::begin_stream(HttpHeaders headers, Source source) {
  std::unique_lock lock(mutex_);
  if (answered_) return;
  answered_ = streams_ = true;
  if (source && !gone_) source_ = std::make_shared<Source>(std::move(source));
  output_.stream = std::move(headers);
  changed(lock);
}

bool ExchangeState::put(std::string bytes) {
  std::unique_lock lock(mutex_);
  MELETE_CHECK(answered_, "no open stream");
  room_.wait(lock, [&] { return gone_ || finished_ || output_.bytes.size() < max_pending_bytes_; });
  if (gone_ || finished_) return false;
  if (writer_ && writer_(bytes)) return true;
  if (!std::exchange(writer_, nullptr)) output_.bytes += bytes;
  changed(lock);
  return true;
}

void ExchangeState::end_stream() {
  std::unique_lock lock(mutex_);
  MELETE_CHECK(answered_ && !finished_, "no open stream");
  finished_ = output_.ended = true;
  changed(lock);
}

void ExchangeState::wake() {
  std::unique_lock lock(mutex_);
  if (!gone_ && !finished_) changed(lock);
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

void Exchange::respond(HttpResponse response) {
  MELETE_CHECK(state_->try_respond(std::move(response)), "answered twice");
}

void Exchange::respond(int status, const Json& body, HttpHeaders headers) {
  HttpResponse response;
  response.status = status;
  response.body = json_text(body);
  response.headers = std::move(headers);
  respond(std::move(response));
}

void Exchange::begin_stream(HttpHeaders headers) { state_->begin_stream(std::move(headers), nullptr); }

void Exchange::begin_stream(const ExchangePtr& exchange, HttpHeaders headers, ExchangeState::Source source) {
  exchange->state_->begin_stream(std::move(headers), [exchange, source = std::move(source)](
                                                         std::string& bytes) { return source(bytes); });
}

void Exchange::end_stream() { state_->end_stream(); }

}  // namespace melete
