#include "server/api/live_answers.h"

namespace melete {

std::string run_event_text(const Event& event) {
  std::string line = to_line(event);
  while (!line.empty() && line.back() == '\n') line.pop_back();
  return event_text("run", line, std::to_string(event.seq));
}

void LiveAnswer::put(const Event& event) {
  if (!began_) began_ = Clock::now();
  if (reasoning_s_ == 0 && event.kind == "agent.delta" && event.data.value("channel", "") == "answer")
    reasoning_s_ = std::chrono::duration<double>(Clock::now() - *began_).count();
  log_->put(event);
  feed_->put({run_event_text(event)});
}

void LiveAnswer::steer(Steer wish) {
  const std::lock_guard lock(steers_mutex_);
  steers_.push_back(std::move(wish));
}

std::vector<Steer> LiveAnswer::take_steers() {
  const std::lock_guard lock(steers_mutex_);
  return std::exchange(steers_, {});
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

std::vector<std::shared_ptr<LiveAnswer>> LiveAnswers::of(OwnerId owner,
                                                         const std::string& conversation) const {
  std::vector<std::shared_ptr<LiveAnswer>> found;
  const std::lock_guard lock(mutex_);
  for (const auto& [key, answer] : answers_)
    if (key.first == owner && answer->conversation() == conversation) found.push_back(answer);
  return found;
}

void LiveAnswers::stop_all() {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, answer] : answers_) answer->stop();
}

}  // namespace melete
