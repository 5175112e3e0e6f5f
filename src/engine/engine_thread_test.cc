// Many threads on one engine: streams of events, and sessions that behave as an engine of their own.
#include "engine/engine_thread.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <stop_token>
#include <thread>

#include "engine/test_models.h"

namespace melete {
namespace {

std::unique_ptr<EngineThread> start_engine(EngineLimits limits = {}, const std::string& model = "dense") {
  return std::make_unique<EngineThread>(SpanEngine::load(folder(model), 1, limits).value());
}

// A request's events, which another thread waits for.
class Log {
 public:
  GenerationSink sink() {
    return [this](const GenerationEvent& event) {
      const std::lock_guard lock(mutex_);
      events_.push_back(event);
      arrived_.notify_all();
      return true;
    };
  }
  std::vector<GenerationEvent> wait_for(int64_t ends) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return num_ends() >= ends; });
    return events_;
  }
  void wait_for_tokens(int64_t count) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] {
      return std::count_if(events_.begin(), events_.end(), [](const GenerationEvent& e) {
               return e.kind == GenerationEvent::Kind::token;
             }) >= count;
    });
  }

 private:
  int64_t num_ends() const {
    return std::count_if(events_.begin(), events_.end(), [](const GenerationEvent& e) {
      return e.kind == GenerationEvent::Kind::finished || e.kind == GenerationEvent::Kind::refused;
    });
  }
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<GenerationEvent> events_;
};

Tokens tokens_of(const std::vector<GenerationEvent>& events, int32_t choice = 0) {
  Tokens tokens;
  for (const GenerationEvent& e : events)
    if (e.kind == GenerationEvent::Kind::token && e.choice == choice)
      tokens.emplace_back(e.token.id, e.token.log_prob);
  return tokens;
}

GenerationRequest request(const Prompt& prompt, const Sampling& sampling, int32_t choices = 1) {
  GenerationRequest r;
  r.prompt = prompt;
  r.sampling = sampling;
  r.choices = choices;
  return r;
}

TEST(EngineThread, RequestsFromManyThreadsGetTheBitsOfARunAlone) {
  EngineLimits limits;
  limits.rows_per_step = 24;
  limits.max_running = 5;
  std::vector<Log> logs(12);
  const auto engine = start_engine(limits);
  std::vector<std::thread> callers;
  for (uint64_t caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&, caller] {
      for (uint64_t i = caller; i < 12; i += 4) {
        GenerationRequest r = request(text_prompt(10 + 9 * static_cast<int64_t>(i), i), hot(i, 8));
        r.place.client = caller;
        EXPECT_TRUE(engine->submit(std::move(r), logs[i].sink()).ok());
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (uint64_t i = 0; i < 12; ++i) {
    const auto events = logs[i].wait_for(1);
    EXPECT_EQ(events.front().kind, GenerationEvent::Kind::prefilled);
    EXPECT_EQ(events.front().prompt_tokens, 10 + 9 * static_cast<int64_t>(i));
    EXPECT_EQ(events.back().kind, GenerationEvent::Kind::finished);
    EXPECT_EQ(events.back().reason, FinishReason::length);
    EXPECT_EQ(tokens_of(events), alone(text_prompt(10 + 9 * static_cast<int64_t>(i), i), hot(i, 8))) << i;
  }
  const EngineMetrics metrics = engine->metrics();
  EXPECT_EQ(metrics.pages, 0);
  EXPECT_EQ(metrics.decoded_tokens, 12 * 8);
  EXPECT_EQ(engine->num_requests(), 0);
}

TEST(EngineThread, ChoicesAreForksOfOnePrompt) {
  Log log;
  const auto engine = start_engine();
  const Prompt prompt = text_prompt(60, 3);
  ASSERT_TRUE(engine->submit(request(prompt, hot(9, 12), 4), log.sink()).ok());
  const auto events = log.wait_for(4);
  for (uint64_t choice = 0; choice < 4; ++choice)
    EXPECT_EQ(tokens_of(events, static_cast<int32_t>(choice)), alone(prompt, hot(9, 12, choice)));
  EXPECT_EQ(engine->metrics().prefilled_tokens, 60);
  EXPECT_EQ(engine->metrics().pages, 0);
}

TEST(EngineThread, AbortFreesPagesAndTellsTheEnd) {
  Log running, other;
  const auto engine = start_engine();
  const auto id = engine->submit(request(text_prompt(50, 4), hot(1, 100000), 3), running.sink()).value();
  ASSERT_TRUE(engine->submit(request(text_prompt(20, 5), hot(2, 40)), other.sink()).ok());
  running.wait_for_tokens(9);
  engine->abort(id);
  const auto events = running.wait_for(3);
  for (auto e = events.end() - 3; e != events.end(); ++e) EXPECT_EQ(e->reason, FinishReason::cancelled);
  EXPECT_EQ(tokens_of(other.wait_for(1)), alone(text_prompt(20, 5), hot(2, 40)));
  EXPECT_EQ(engine->metrics().pages, 0);
  engine->abort(id);  // of what has ended: nothing
}

TEST(EngineThread, ASinkThatThrowsEndsItsOwnRequestOnly) {
  Log steady;
  std::mutex mutex;
  std::condition_variable ended;
  int tokens = 0, finished = 0;
  GenerationEvent last;
  const auto engine = start_engine();
  ASSERT_TRUE(engine
                  ->submit(request(text_prompt(20, 6), hot(1, 50)),
                           [&](const GenerationEvent& event) {
                             const std::lock_guard lock(mutex);
                             last = event;
                             if (event.kind == GenerationEvent::Kind::finished) ++finished;
                             ended.notify_all();
                             if (event.kind == GenerationEvent::Kind::token && ++tokens == 3)
                               throw std::runtime_error("the connection is gone");
                             return true;
                           })
                  .ok());
  ASSERT_TRUE(engine->submit(request(text_prompt(20, 7), hot(2, 50)), steady.sink()).ok());
  EXPECT_EQ(tokens_of(steady.wait_for(1)), alone(text_prompt(20, 7), hot(2, 50)));
  std::unique_lock lock(mutex);
  ended.wait(lock, [&] { return finished == 1; });
  EXPECT_EQ(tokens, 3);
  EXPECT_EQ(last.reason, FinishReason::failed);
  EXPECT_NE(last.failure.find("the connection is gone"), std::string::npos);
}

TEST(EngineThread, UnusablePromptsAreRefusedByAnEvent) {
  Log logs[2];
  const auto engine = start_engine();
  for (const size_t i : {0, 1}) {
    Log& log = logs[i];
    const Prompt bad = i == 0 ? Prompt{} : text_prompt(100000, 1);
    ASSERT_TRUE(engine->submit(request(bad, hot(1, 5)), log.sink()).ok());
    const auto events = log.wait_for(1);
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].kind, GenerationEvent::Kind::refused);
    EXPECT_NE(events[0].error.message, "");
  }
  EXPECT_EQ(engine->num_requests(), 0);
}

TEST(EngineThread, ThousandsMayWaitAndMoreAreRefusedAtOnce) {
  EngineLimits limits;
  limits.max_queued = 1000;
  limits.max_running = 3;
  std::vector<Log> logs(1000);
  Log spare;
  auto engine = start_engine(limits);
  for (uint64_t i = 0; i < 1000; ++i)
    ASSERT_TRUE(engine->submit(request(text_prompt(8, i % 10), hot(i, 100000)), logs[i].sink()).ok());
  const auto refused = engine->submit(request(text_prompt(8, 1), hot(1, 5)), spare.sink());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::exhausted);
  engine.reset();  // ends all of them
  for (Log& log : logs) log.wait_for(1);
}

TEST(EngineSession, BehavesAsAnEngineOfItsOwn) {
  Log noise;
  const auto thread = start_engine();
  ASSERT_TRUE(thread->submit(request(text_prompt(30, 1), hot(5, 300), 2), noise.sink()).ok());
  // Decisions after each step, as the modes of agents make them.
  const auto drive = [](Engine& engine) {
    std::vector<Tokens> got(4);
    const SequenceId parent = engine.prefill(text_prompt(40, 2)).value();
    std::vector<SequenceId> ids = engine.fork(parent, 3).value();
    ids.push_back(parent);
    for (size_t i = 0; i < 4; ++i) engine.start(ids[i], hot(7, 25, i), into(got[i]));
    int64_t steps = 0;
    while (engine.step()) {
      if (++steps == 6) engine.cancel(ids[0]);
      if (steps == 9) {
        EXPECT_TRUE(engine.append(ids[0], text_prompt(5, 3).tokens).ok());
        engine.start(ids[0], hot(8, 7), into(got[0]));
      }
      if (steps == 12) engine.release(ids[1]);
    }
    EXPECT_EQ(engine.finish_reason(ids[0]), FinishReason::length);
    EXPECT_EQ(engine.length(ids[0]), 40 + 6 + 5 + 7);
    EXPECT_EQ(got[1].size(), 12u);
    EXPECT_EQ(got[2].size(), 25u);
    for (const SequenceId id : {ids[0], ids[2], ids[3]}) engine.release(id);
    return got;
  };
  const auto own = load("dense");
  const auto expected = drive(*own);
  for (int round = 0; round < 3; ++round) {
    const auto session = thread->connect();
    EXPECT_EQ(drive(*session), expected) << round;
  }
  noise.wait_for(2);
  EXPECT_EQ(thread->metrics().pages, 0);
}

TEST(EngineSession, SessionsRunSideBySideAndThrowingSinksEndTheirOwn) {
  const auto thread = start_engine();
  std::vector<std::thread> callers;
  std::vector<Tokens> got(4);
  for (uint64_t i = 0; i < 4; ++i) {
    callers.emplace_back([&, i] {
      const auto session = thread->connect({0, i, 1});
      const SequenceId id = session->prefill(text_prompt(20 + static_cast<int64_t>(i), i)).value();
      const SequenceId child = session->fork(id, 1).value()[0];
      session->start(id, hot(i, 30), into(got[i]));
      int seen = 0;
      session->start(child, hot(i, 30), [&](const SampledToken&) -> bool {
        if (++seen == 5) throw std::runtime_error("no more paper");
        return true;
      });
      run_all(*session);
      EXPECT_EQ(seen, 5);
      EXPECT_EQ(session->finish_reason(child), FinishReason::failed);
      EXPECT_NE(session->failure(child).find("no more paper"), std::string::npos);
      EXPECT_EQ(session->finish_reason(id), FinishReason::length);
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (uint64_t i = 0; i < 4; ++i)
    EXPECT_EQ(got[i], alone(text_prompt(20 + static_cast<int64_t>(i), i), hot(i, 30))) << i;
  EXPECT_EQ(thread->metrics().pages, 0);  // sessions end with their sequences
}

TEST(EngineSession, StopTokensErrorsAndBadPromptsAreAsEver) {
  const auto thread = start_engine();
  const auto session = thread->connect();
  const Tokens free = alone(text_prompt(12, 9), hot(2, 20));
  Sampling s = hot(2, 20);
  s.stop_tokens = {free[6].first};
  Tokens got;
  const SequenceId id = session->prefill(text_prompt(12, 9)).value();
  session->start(id, s, into(got));
  run_all(*session);
  EXPECT_EQ(got.back().first, free[6].first);
  EXPECT_EQ(session->finish_reason(id), FinishReason::stop);
  EXPECT_EQ(session->prefill({}).error().kind, ErrorKind::invalid_argument);
  EXPECT_EQ(session->prefill(text_prompt(100000, 1)).error().kind, ErrorKind::exhausted);
  EXPECT_EQ(session->append(id, text_prompt(100000, 1).tokens).error().kind, ErrorKind::exhausted);
  EXPECT_TRUE(session->append(id, text_prompt(5, 1).tokens).ok());
  EXPECT_EQ(session->logits(text_prompt(9, 2)).value(), load("dense")->logits(text_prompt(9, 2)).value());
}

// Requests a stop on the engine's thread, between two steps, once so many tokens of prompts are computed.
void stop_at(EngineThread& thread, std::stop_source& stop, int64_t prefilled) {
  thread.post([&thread, &stop, prefilled](SpanEngine& engine) {
    engine.metrics().prefilled_tokens >= prefilled ? void(stop.request_stop())
                                                   : stop_at(thread, stop, prefilled);
  });
}

TEST(EngineSession, AStopEndsAPromptThatIsBeingComputed) {
  EngineLimits limits;
  limits.rows_alone = 1;
  const auto thread = start_engine(limits);
  std::stop_source stop;
  const auto session = thread->connect({}, stop.get_token());
  stop_at(*thread, stop, 5);
  const auto id = session->prefill(text_prompt(90, 1));
  ASSERT_FALSE(id.ok());
  EXPECT_EQ(id.error().kind, ErrorKind::cancelled);
  // The step after the stop may have begun.
  EXPECT_LE(thread->metrics().prefilled_tokens, 7);
  EXPECT_EQ(thread->metrics().queued, 0);
  EXPECT_EQ(thread->metrics().pages, 0);
  EXPECT_EQ(session->prefill(text_prompt(9, 1)).error().kind, ErrorKind::cancelled);
}

TEST(EngineSession, AStopEndsAPromptThatWaits) {
  EngineLimits limits;
  limits.max_running = 1;
  const auto thread = start_engine(limits);
  const auto first = thread->connect();
  Tokens got;
  const SequenceId running = first->prefill(text_prompt(10, 1)).value();
  first->start(running, hot(1, 20), into(got));
  first->step();
  std::stop_source stop;
  std::thread waiting([&] {
    const auto session = thread->connect({}, stop.get_token());
    EXPECT_EQ(session->prefill(text_prompt(9, 2)).error().kind, ErrorKind::cancelled);
  });
  while (thread->metrics().queued == 0) std::this_thread::yield();
  stop.request_stop();
  waiting.join();
  EXPECT_EQ(thread->metrics().queued, 0);
  run_all(*first);
  EXPECT_EQ(got, alone(text_prompt(10, 1), hot(1, 20)));
}

TEST(EngineSession, AStopEndsWhatRunsAndWhatIsAppended) {
  EngineLimits limits;
  limits.rows_alone = 1;
  const auto thread = start_engine(limits);
  std::stop_source stop;
  const auto session = thread->connect({}, stop.get_token());
  const SequenceId id = session->prefill(text_prompt(10, 1)).value();
  Tokens got;
  session->start(id, hot(1, 20), into(got));
  session->step();
  session->step();
  session->cancel(id);
  stop_at(*thread, stop, 20);
  EXPECT_EQ(session->append(id, text_prompt(60, 2).tokens).error().kind, ErrorKind::cancelled);
  EXPECT_LE(thread->metrics().prefilled_tokens, 22);
  session->start(id, hot(1, 20), into(got));
  EXPECT_FALSE(session->step());
  EXPECT_EQ(got.size(), 2u);
  session->release(id);
  EXPECT_EQ(thread->metrics().pages, 0);
}

}  // namespace
}  // namespace melete
