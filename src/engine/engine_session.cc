#include "engine/engine_session.h"

#include <algorithm>
#include <exception>

namespace melete {

EngineSession::EngineSession(EngineThread& thread, const QueuePlace& place, std::stop_token stop)
    : thread_(thread), place_(place), stop_(std::move(stop)) {
  thread_.call([this](SpanEngine&) { thread_.add_listener(this); });
  on_stop_.emplace(stop_, [this] { give_up(); });
}

EngineSession::~EngineSession() {
  on_stop_.reset();
  thread_.call([this](SpanEngine& engine) {
    thread_.remove_listener(this);
    for (const auto& [id, local] : sequences_) {
      thread_.listen(id, nullptr);
      engine.release(id);
    }
  });
}

const EngineSession::Local& EngineSession::at(SequenceId sequence) const {
  const auto found = sequences_.find(sequence);
  MELETE_CHECK(found != sequences_.end(), "no sequence ", sequence);
  return found->second;
}

EngineSession::Local& EngineSession::at(SequenceId sequence) {
  return const_cast<Local&>(std::as_const(*this).at(sequence));
}

// On the thread that asks for it: between two steps the engine drops what it has of this session, and the
// caller wakes up. The pages go with release().
void EngineSession::give_up() {
  thread_.post([this](SpanEngine& engine) {
    for (const auto& [id, run] : runs_) engine.cancel(id);
  });
  const std::lock_guard lock(mutex_);
  arrived_.notify_all();
}

Error EngineSession::stopped() const {
  return unavailable("[engine] must be running, got a failure: ", thread_.failure(), "; start it again");
}

// Until the engine's thread tells that the sequence's prompt or run has ended.
Result<EngineSession::News> EngineSession::wait_for(SequenceId sequence, int64_t run) {
  std::unique_lock lock(mutex_);
  arrived_.wait(lock, [&] {
    return failed_ || stop_.stop_requested() || (news_[sequence].run == run && news_[sequence].ended);
  });
  if (failed_) return stopped();
  if (stop_.stop_requested())
    return cancelled("[engine] the prompt must still be wanted, got a stop; ask again");
  News news = std::move(news_[sequence]);
  news_.erase(sequence);
  return news;
}

Result<SequenceId> EngineSession::prefill(const Prompt& prompt) {
  if (stop_.stop_requested()) return cancelled("[engine] prefill must come before a stop; ask again");
  Result<SequenceId> id = stopped();
  if (!thread_.call([&](SpanEngine& engine) {
        id = engine.enqueue(prompt, place_);
        if (!id.ok()) return;
        thread_.listen(*id, this);
        expect(*id, 1);
      }))
    return stopped();
  if (!id.ok()) return id;
  sequences_[*id].run = 1;
  const Result<News> news = wait_for(*id, 1);
  if (!news.ok() || news->phase == SequencePhase::refused) {
    release(*id);
    return news.ok() ? exhausted(news->failure) : news.error();
  }
  sequences_[*id].length = news->length;
  return id;
}

Result<std::vector<SequenceId>> EngineSession::fork(SequenceId sequence, int count) {
  const int64_t length = at(sequence).length;
  std::vector<SequenceId> children;
  Status status = ok_status();
  if (!thread_.call([&](SpanEngine& engine) {
        auto forked = engine.fork(sequence, count);
        if (!forked.ok()) {
          status = forked.error();
          return;
        }
        children = std::move(forked).value();
        for (const SequenceId child : children) thread_.listen(child, this);
      }))
    return stopped();
  MELETE_RETURN_IF_ERROR(status);
  for (const SequenceId child : children) sequences_[child].length = length;
  return children;
}

Status EngineSession::append(SequenceId sequence, const Prompt& prompt) {
  MELETE_CHECK(!at(sequence).running, "append to running sequence ", sequence);
  if (prompt.tokens.empty()) return ok_status();
  Status status = ok_status();
  const int64_t run = ++at(sequence).run;
  if (!thread_.call([&](SpanEngine& engine) {
        expect(sequence, run);
        status = engine.enqueue(sequence, prompt, place_);
      }))
    return stopped();
  MELETE_RETURN_IF_ERROR(status);
  MELETE_ASSIGN_OR_RETURN(const News news, wait_for(sequence, run));
  at(sequence).length = news.length;
  return news.failure.empty() ? ok_status() : exhausted(news.failure);
}

// Begins with the next step, so that sequences started together run in one batch.
void EngineSession::start(SequenceId sequence, const Sampling& sampling, TokenSink sink) {
  Local& local = at(sequence);
  MELETE_CHECK(!local.running, "sequence ", sequence, " runs already");
  local.running = local.begins = true;
  ++local.run;
  local.sampling = sampling;
  local.sink = std::move(sink);
  local.failure.clear();
}

// Lets every running sequence have its next token.
void EngineSession::go_on() {
  struct Begin {
    SequenceId id;
    int64_t run;
    Sampling sampling;
  };
  std::vector<Begin> begin;
  std::vector<SequenceId> resume;
  for (auto& [id, local] : sequences_) {
    if (!local.running) continue;
    if (std::exchange(local.begins, false)) {
      begin.push_back({id, local.run, local.sampling});
    } else {
      resume.push_back(id);
    }
  }
  thread_.post([this, begin = std::move(begin), resume = std::move(resume)](SpanEngine& engine) {
    answering_ = false;
    for (const SequenceId id : resume) engine.resume(id);
    for (const auto& [id, run, sampling] : begin) {
      expect(id, run);
      engine.start(id, sampling, [this, &engine, id = id](const SampledToken& token) {
        engine.hold(id);
        gathered_[id].tokens.push_back(token);
        return true;
      });
    }
  });
}

// On the engine's thread: what is told of the sequence from now on belongs to that run.
void EngineSession::expect(SequenceId sequence, int64_t run) {
  runs_[sequence] = run;
  gathered_.erase(sequence);
}

// Under the mutex: a running sequence has had its token of this step, or ended.
bool EngineSession::is_told(SequenceId sequence, const Local& local) const {
  const auto found = news_.find(sequence);
  return !local.running || (found != news_.end() && found->second.run == local.run &&
                            (found->second.ended || !found->second.tokens.empty()));
}

bool EngineSession::step() {
  const auto any_running = [&] {
    return std::any_of(sequences_.begin(), sequences_.end(), [](const auto& s) { return s.second.running; });
  };
  if (!any_running() || stop_.stop_requested()) return false;
  go_on();
  std::map<SequenceId, News> news;
  {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] {
      return failed_ || stop_.stop_requested() ||
             std::all_of(sequences_.begin(), sequences_.end(),
                         [&](const auto& entry) { return is_told(entry.first, entry.second); });
    });
    if (failed_) {
      for (auto& [id, local] : sequences_) {
        if (!local.running) continue;
        local.running = false;
        local.reason = FinishReason::failed;
        local.failure = thread_.failure();
      }
      return false;
    }
    if (stop_.stop_requested()) return false;
    news = std::exchange(news_, {});
  }
  for (auto& [id, told] : news) deliver(id, std::move(told));
  return any_running();
}

// As SpanEngine ends runs: a sink that throws, a stop token, a sink that wants no more, the length.
void EngineSession::deliver(SequenceId sequence, News news) {
  const auto found = sequences_.find(sequence);
  if (found == sequences_.end() || !found->second.running || found->second.run != news.run) return;
  const int64_t run = news.run;
  bool wants_more = true;
  std::string failure;
  TokenSink sink = std::move(found->second.sink);
  for (const SampledToken& token : news.tokens) {
    ++found->second.length;
    try {
      wants_more = sink(token);
    } catch (const std::exception& e) {
      failure = cat("the token sink threw: ", e.what());
    }
  }
  const auto after = sequences_.find(sequence);
  if (after == sequences_.end() || !after->second.running || after->second.run != run) return;
  Local& local = after->second;
  if (!failure.empty()) {
    cancel(sequence);
    local.reason = FinishReason::failed;
    local.failure = std::move(failure);
  } else if (news.ended && (wants_more || news.reason == FinishReason::stop)) {
    local.running = false;
    local.sink = nullptr;
    local.reason = news.reason;
    local.failure = std::move(news.failure);
  } else if (!wants_more) {
    cancel(sequence);
  } else {
    local.sink = std::move(sink);
  }
}

std::shared_ptr<const TokenConstraint> EngineSession::constraint(SequenceId sequence) const {
  std::shared_ptr<const TokenConstraint> constraint;
  thread_.call([&](SpanEngine& engine) { constraint = engine.constraint(sequence); });
  return constraint;
}

void EngineSession::cancel(SequenceId sequence) {
  Local& local = at(sequence);
  if (!local.running) return;
  local.running = false;
  local.reason = FinishReason::cancelled;
  local.sink = nullptr;
  if (!std::exchange(local.begins, false))
    thread_.post([sequence](SpanEngine& engine) { engine.cancel(sequence); });
}

void EngineSession::release(SequenceId sequence) {
  MELETE_CHECK(sequences_.erase(sequence) == 1, "no sequence ", sequence);
  thread_.post([this, sequence](SpanEngine& engine) {
    thread_.listen(sequence, nullptr);
    runs_.erase(sequence);
    gathered_.erase(sequence);
    engine.release(sequence);
  });
}

Result<std::vector<float>> EngineSession::logits(const Prompt& prompt) {
  Result<std::vector<float>> result = stopped();
  if (!thread_.call([&](SpanEngine& engine) { result = engine.logits(prompt); })) return stopped();
  return result;
}

int64_t EngineSession::pages_in_use() const {
  int64_t pages = 0;
  thread_.call([&](SpanEngine& engine) { pages = engine.pages_in_use(); });
  return pages;
}

void EngineSession::changed(SpanEngine& engine, SequenceId sequence) {
  const SequencePhase phase = engine.phase(sequence);
  // It was cancelled, and is busy again already.
  if (phase != SequencePhase::ready && phase != SequencePhase::refused) return;
  News& news = gathered_[sequence];
  news.ended = true;
  news.phase = phase;
  news.reason = engine.finish_reason(sequence);
  news.failure = engine.failure(sequence);
  news.length = engine.length(sequence);
}

void EngineSession::step_ended() {
  if (gathered_.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [id, news] : gathered_) {
      news.run = runs_[id];
      answering_ = answering_ || !news.ended;
      news_[id] = std::move(news);
    }
  }
  gathered_.clear();
  arrived_.notify_all();
}

void EngineSession::engine_failed() {
  {
    const std::lock_guard lock(mutex_);
    failed_ = true;
  }
  arrived_.notify_all();
}

}  // namespace melete
