// The events of one stream, for any number of readers: whoever comes late begins where they want, and nobody
// waits for the slowest.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server/http/exchange.h"

namespace melete {

class EventFeed : public std::enable_shared_from_this<EventFeed> {
 public:
  // event_text()s, in order.
  void put(std::vector<std::string> events);
  // No more come: readers get all up to here and then `last`.
  void end(std::string last);

  // Answers the exchange with a stream: `first`, then what has come and is to come, from event number `from`
  // on.
  void stream(const ExchangePtr& exchange, size_t from, std::string first = {});

 private:
  bool read(size_t& next, std::string& bytes);
  void wake();

  std::mutex mutex_;
  std::vector<std::string> events_;
  std::string last_;
  bool ended_ = false;
  std::vector<std::weak_ptr<Exchange>> readers_;
};

}  // namespace melete
