#include "server/api/event_feed.h"

namespace melete {
namespace {

// What a reader takes at a time; the rest waits here instead of in its connection.
constexpr size_t kPiece = size_t{64} << 10;

}  // namespace

void EventFeed::put(std::vector<std::string> events) {
  if (events.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    std::move(events.begin(), events.end(), std::back_inserter(events_));
  }
  wake();
}

void EventFeed::end(std::string last) {
  {
    const std::lock_guard lock(mutex_);
    last_ = std::move(last);
    ended_ = true;
  }
  wake();
}

void EventFeed::wake() {
  std::vector<ExchangePtr> readers;  // let go of outside of the lock
  const std::lock_guard lock(mutex_);
  std::erase_if(readers_, [](const auto& reader) { return reader.expired(); });
  for (const auto& reader : readers_)
    if (ExchangePtr exchange = reader.lock()) {
      exchange->wake();
      readers.push_back(std::move(exchange));
    }
}

void EventFeed::stream(const ExchangePtr& exchange, size_t from, std::string first) {
  {
    const std::lock_guard lock(mutex_);
    readers_.push_back(exchange);
  }
  Exchange::begin_stream(
      exchange, {},
      [feed = shared_from_this(), next = from, first = std::move(first)](std::string& bytes) mutable {
        bytes += std::exchange(first, {});
        return feed->read(next, bytes);
      });
}

bool EventFeed::read(size_t& next, std::string& bytes) {
  const std::lock_guard lock(mutex_);
  while (next < events_.size() && bytes.size() < kPiece) bytes += events_[next++];
  if (!ended_ || next < events_.size()) return false;
  bytes += last_;
  return true;
}

}  // namespace melete
