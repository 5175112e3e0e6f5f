#include "server/api/live_answers.h"

#include <algorithm>

namespace melete {
namespace {

constexpr size_t kPiece = 64 << 10;  // bytes given at once

}  // namespace

std::string run_event_text(const Event& event) {
  std::string line = to_line(event);
  while (!line.empty() && line.back() == '\n') line.pop_back();
  return event_text("run", line, std::to_string(event.seq));
}

// Under the lock, which it lets go of.
void LiveAnswer::wake_all(std::unique_lock<std::mutex>& lock) {
  std::vector<ExchangePtr> readers;
  std::erase_if(readers_, [&](const std::weak_ptr<Exchange>& weak) {
    ExchangePtr reader = weak.lock();
    if (!reader) return true;
    readers.push_back(std::move(reader));
    return false;
  });
  lock.unlock();
  for (const ExchangePtr& reader : readers) reader->wake();
}

void LiveAnswer::put(const Event& event) {
  log_->put(event);
  const std::string text = run_event_text(event);
  std::unique_lock lock(mutex_);
  MELETE_CHECK(event.seq == begins_.size(), event.seq);
  begins_.push_back(text_.size());
  text_ += text;
  wake_all(lock);
}

void LiveAnswer::finish(std::string last) {
  std::unique_lock lock(mutex_);
  last_ = std::move(last);
  ended_ = true;
  wake_all(lock);
}

bool LiveAnswer::give(size_t& at, std::string& bytes) {
  const std::lock_guard lock(mutex_);
  const size_t size = std::min(kPiece, text_.size() - at);
  bytes.append(text_, at, size);
  at += size;
  if (!ended_ || at < text_.size()) return false;
  bytes += last_;
  return true;
}

void LiveAnswer::follow(const ExchangePtr& exchange, std::string first, uint64_t from_seq) {
  size_t at = 0;
  {
    const std::lock_guard lock(mutex_);
    at = from_seq < begins_.size() ? begins_[from_seq] : text_.size();
    readers_.push_back(exchange);
  }
  Exchange::begin_stream(
      exchange, {}, [self = shared_from_this(), at, first = std::move(first)](std::string& bytes) mutable {
        bytes += std::exchange(first, {});
        return self->give(at, bytes);
      });
}

void LiveAnswers::add(OwnerId owner, const std::shared_ptr<LiveAnswer>& answer) {
  const std::lock_guard lock(mutex_);
  answers_[{owner, answer->log().id()}] = answer;
}

void LiveAnswers::remove(OwnerId owner, const std::string& id) {
  const std::lock_guard lock(mutex_);
  answers_.erase({owner, id});
}

std::shared_ptr<LiveAnswer> LiveAnswers::find(OwnerId owner, const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = answers_.find({owner, id});
  return found == answers_.end() ? nullptr : found->second;
}

void LiveAnswers::stop_of(OwnerId owner, const std::string& conversation) {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, answer] : answers_)
    if (key.first == owner && answer->conversation() == conversation) answer->stop();
}

void LiveAnswers::stop_all() {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, answer] : answers_) answer->stop();
}

}  // namespace melete
