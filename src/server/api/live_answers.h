// The app's answers that are under way. An answer goes on when nobody reads it; whoever comes (again) follows
// it from any event on. All of it is safe to use from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/steer.h"
#include "server/api/event_feed.h"
#include "server/store/event_logs.h"

namespace melete {

// The sink of one run: each event goes to the answer's log and to those who follow.
class LiveAnswer : public EventSink {
 public:
  LiveAnswer(std::shared_ptr<AnswerLog> log, std::string conversation)
      : log_(std::move(log)), conversation_(std::move(conversation)) {}

  void put(const Event& event) override;
  // The run has ended and all is stored; `last` are the events that readers get after the run's.
  void finish(std::string last) { feed_->end(std::move(last)); }

  // Streams `first` and the run's events with seq >= from_seq, as they come. A slow reader slows nobody.
  void follow(const ExchangePtr& exchange, std::string first, uint64_t from_seq) {
    feed_->stream(exchange, from_seq, std::move(first));
  }

  void steer(Steer wish);
  std::vector<Steer> take_steers();  // those that have come since
  void stop() { stop_ = true; }
  bool stop_requested() const { return stop_; }
  AnswerLog& log() { return *log_; }
  const std::string& conversation() const { return conversation_; }
  // Seconds from the run's first event to the first word of an answer; 0: there is none. For who put the
  // events.
  double reasoning_s() const { return reasoning_s_; }

 private:
  using Clock = std::chrono::steady_clock;

  const std::shared_ptr<AnswerLog> log_;
  const std::string conversation_;
  const std::shared_ptr<EventFeed> feed_ = std::make_shared<EventFeed>();  // event n is of seq n
  std::atomic<bool> stop_ = false;
  std::mutex steers_mutex_;
  std::vector<Steer> steers_;
  std::optional<Clock::time_point> began_;
  double reasoning_s_ = 0;
};

// One event of a run, as the app gets it.
std::string run_event_text(const Event& event);

class LiveAnswers {
 public:
  void add(OwnerId owner, const std::shared_ptr<LiveAnswer>& answer);
  void remove(OwnerId owner, const std::string& id);
  // Null: none of that id is under way.
  std::shared_ptr<LiveAnswer> find(OwnerId owner, const std::string& id) const;
  std::vector<std::shared_ptr<LiveAnswer>> of(OwnerId owner, const std::string& conversation) const;
  void stop_all();

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<OwnerId, std::string>, std::shared_ptr<LiveAnswer>> answers_;
};

}  // namespace melete
