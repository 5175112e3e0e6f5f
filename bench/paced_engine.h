// An engine whose tokens come at fixed times, for the benchmark of the server: what the server adds to a token's
// way can then be told from what a model takes.
#pragma once

#include <sys/mman.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "agent/chat_model.h"
#include "engine/engine.h"

namespace melete {

using SteadyClock = std::chrono::steady_clock;

inline int64_t now_ns() { return SteadyClock::now().time_since_epoch().count(); }

struct Plan {
  int64_t streams = 200, tokens = 1200;  // tokens a stream
  double tokens_per_s = 20;
  bool together = true;
};

// Of both processes: when the engine gave each token.
class Given {
 public:
  explicit Given(const Plan& plan) : tokens_(plan.tokens) {
    const size_t bytes = static_cast<size_t>(plan.streams * plan.tokens) * sizeof(std::atomic<int64_t>);
    void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MELETE_CHECK(memory != MAP_FAILED, "no memory");
    times_ = static_cast<std::atomic<int64_t>*>(memory);
  }
  std::atomic<int64_t>& at(int64_t stream, int64_t token) { return times_[stream * tokens_ + token]; }

 private:
  int64_t tokens_;
  std::atomic<int64_t>* times_;
};

inline char letter(int64_t token) { return static_cast<char>('a' + token % 26); }

// One sequence whose tokens come at fixed times: "STREAM. ", letters in the order of the alphabet, the end.
class PacedEngine : public Engine {
 public:
  PacedEngine(const ChatModel& chat, const Plan& plan, int64_t stream, Given& given)
      : chat_(chat), plan_(plan), stream_(stream), given_(given) {}

  Result<SequenceId> prefill(const Prompt& prompt) override {
    length_ = static_cast<int64_t>(prompt.tokens.size());
    return 1;
  }
  void start(SequenceId, const Sampling&, TokenSink sink) override {
    head_ = chat_.tokenizer().encode(cat(stream_, ". "));
    sink_ = std::move(sink);
    running_ = true;
    const auto gap =
        std::chrono::duration_cast<SteadyClock::duration>(std::chrono::duration<double>(1 / plan_.tokens_per_s));
    const SteadyClock::duration since = SteadyClock::now().time_since_epoch();
    begin_ = SteadyClock::time_point(since - since % gap + 4 * gap);
    if (!plan_.together) begin_ += gap * stream_ / plan_.streams;
    gap_ = gap;
  }
  bool step() override {
    if (!running_) return false;
    if (next_ < head_.size()) return put(head_[next_++]);
    const auto token = static_cast<int64_t>(next_++ - head_.size());
    if (token == plan_.tokens) {
      put(chat_.format().stop_tokens().front());
      return running_ = false;
    }
    const std::vector<int32_t> ids = chat_.tokenizer().encode(std::string(1, letter(token)));
    std::this_thread::sleep_until(begin_ + gap_ * token);
    given_.at(stream_, token) = now_ns();
    return put(ids.front());
  }
  bool is_running(SequenceId) const override { return running_; }
  FinishReason finish_reason(SequenceId) const override {
    return next_ > head_.size() + static_cast<size_t>(plan_.tokens) ? FinishReason::stop
                                                                    : FinishReason::cancelled;
  }
  void cancel(SequenceId) override { running_ = false; }
  void release(SequenceId) override { running_ = false; }
  int64_t length(SequenceId) const override { return length_; }
  int64_t vocab_size() const override { return chat_.tokenizer().vocab_size(); }
  int64_t context_length() const override { return 1 << 20; }
  int64_t pages_in_use() const override { return 0; }
  std::string failure(SequenceId) const override { return {}; }
  Result<std::vector<SequenceId>> fork(SequenceId, int) override { return unavailable("one sequence"); }
  Status append(SequenceId, const Prompt&) override { return unavailable("one run"); }
  Result<std::vector<float>> logits(const Prompt&) override { return unavailable("scripted"); }

 private:
  bool put(int32_t id) {
    SampledToken token;
    token.id = id;
    ++length_;
    return running_ = sink_(token);
  }

  const ChatModel& chat_;
  const Plan plan_;
  const int64_t stream_;
  Given& given_;
  std::vector<int32_t> head_;
  TokenSink sink_;
  SteadyClock::time_point begin_;
  SteadyClock::duration gap_{};
  size_t next_ = 0;
  int64_t length_ = 0;
  bool running_ = false;
};

}  // namespace melete
