// EngineSession: the Engine that EngineThread::connect() gives. Its sequences run in the engine's common
// batch; each is held after a token until the session's next step, so that a caller decides at the same token
// as on an engine of its own.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>

#include "engine/engine_thread.h"

namespace melete {

class EngineSession : public Engine, private EngineThread::Listener {
 public:
  EngineSession(EngineThread& thread, const QueuePlace& place, std::stop_token stop);
  ~EngineSession() override;

  Result<SequenceId> prefill(const Prompt& prompt) override;
  Result<std::vector<SequenceId>> fork(SequenceId sequence, int count) override;
  using Engine::append;
  Status append(SequenceId sequence, const Prompt& prompt) override;
  void start(SequenceId sequence, const Sampling& sampling, TokenSink sink) override;
  bool step() override;
  bool is_running(SequenceId sequence) const override { return at(sequence).running; }
  FinishReason finish_reason(SequenceId sequence) const override { return at(sequence).reason; }
  std::string failure(SequenceId sequence) const override { return at(sequence).failure; }
  std::shared_ptr<const TokenConstraint> constraint(SequenceId sequence) const override;
  void cancel(SequenceId sequence) override;
  void release(SequenceId sequence) override;
  int64_t length(SequenceId sequence) const override { return at(sequence).length; }
  Result<std::vector<float>> logits(const Prompt& prompt) override;
  int64_t vocab_size() const override { return thread_.shape().vocab_size; }
  int64_t context_length() const override { return thread_.shape().context_length; }
  int64_t pages_in_use() const override;  // of the whole engine

 private:
  struct Local {
    int64_t length = 0;
    bool running = false, begins = false;  // begins: to be started with the next step
    int64_t run = 0;  // counts starts and prompts, so that news of an earlier one is told apart
    Sampling sampling;
    TokenSink sink;
    FinishReason reason = FinishReason::cancelled;
    std::string failure;
  };
  // What the engine's thread tells of a sequence.
  struct News {
    std::vector<SampledToken> tokens;
    int64_t run = 0;
    bool ended = false;  // a run ended, or a prompt was computed or refused
    SequencePhase phase = SequencePhase::ready;
    FinishReason reason = FinishReason::cancelled;
    std::string failure;
    int64_t length = 0;
  };

  const Local& at(SequenceId sequence) const;
  Local& at(SequenceId sequence);
  void go_on();
  Result<News> wait_for(SequenceId sequence, int64_t run);
  bool is_told(SequenceId sequence, const Local& local) const;
  void expect(SequenceId sequence, int64_t run);
  void deliver(SequenceId sequence, News news);
  void give_up();
  Error stopped() const;

  void changed(SpanEngine& engine, SequenceId sequence) override;
  void step_ended() override;
  void engine_failed() override;
  bool is_answering() override { return answering_; }
  void stop_waiting() override { answering_ = false; }

  EngineThread& thread_;
  const QueuePlace place_;
  const std::stop_token stop_;
  std::map<SequenceId, Local> sequences_;  // of the caller's thread

  // Of the engine's thread.
  std::map<SequenceId, int64_t> runs_;  // what news of a sequence is of
  std::map<SequenceId, News> gathered_;
  bool answering_ = false;

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::map<SequenceId, News> news_;
  bool failed_ = false;

  std::optional<std::stop_callback<std::function<void()>>> on_stop_;  // last: it may act at once
};

}  // namespace melete
