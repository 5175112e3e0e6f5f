// ScriptedEngine, for tests: an Engine that writes prepared token ids instead of computing them.
//
// Every start() of a sequence takes the next script of its family (a prefilled sequence and its forks) in
// order of the starts; a run without a script left fails the test. Keeps what the engine was asked for:
// prompts, samplings, appends.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "text/tokenizer.h"

namespace melete {

class ScriptedEngine : public Engine {
 public:
  explicit ScriptedEngine(std::shared_ptr<const Tokenizer> tokenizer) : tokenizer_(std::move(tokenizer)) {}

  // The next script: trusted text (special tokens by their spelling); confidence of each of its tokens.
  void write(std::string_view text, float confidence = 1) {
    scripts.push_back({tokenizer_->encode_trusted(text), confidence});
  }

  Result<SequenceId> prefill(const Prompt& prompt) override {
    if (!prefill_error.empty()) return exhausted(prefill_error);
    prompts.push_back(tokenizer_->decode(prompt.tokens));
    sequences_[next_].length = static_cast<int64_t>(prompt.tokens.size());
    return next_++;
  }
  Result<std::vector<SequenceId>> fork(SequenceId sequence, int count) override {
    if (!fork_error.empty()) return exhausted(fork_error);
    std::vector<SequenceId> children;
    for (int i = 0; i < count; ++i) {
      sequences_[next_] = sequences_.at(sequence);
      children.push_back(next_++);
    }
    num_forks += count;
    return children;
  }
  using Engine::append;
  Status append(SequenceId sequence, const Prompt& prompt) override {
    if (!append_error.empty()) return exhausted(append_error);
    EXPECT_FALSE(sequences_.at(sequence).running);
    appended.push_back(tokenizer_->decode(prompt.tokens));
    sequences_.at(sequence).length += static_cast<int64_t>(prompt.tokens.size());
    return ok_status();
  }
  void start(SequenceId sequence, const Sampling& sampling, TokenSink sink) override {
    State& state = sequences_.at(sequence);
    ASSERT_FALSE(state.running);
    ASSERT_FALSE(scripts.empty()) << "no script is left";
    samplings.push_back(sampling);
    state.script = scripts.front();
    scripts.pop_front();
    state.sampling = sampling;
    state.sink = std::move(sink);
    state.emitted = 0;
    state.running = true;
  }
  bool step() override {
    ++num_steps;
    std::vector<SequenceId> running;
    for (const auto& [id, state] : sequences_)
      if (state.running) running.push_back(id);
    for (const SequenceId id : running) emit(sequences_.at(id));
    return std::any_of(sequences_.begin(), sequences_.end(), [](const auto& s) { return s.second.running; });
  }
  bool is_running(SequenceId sequence) const override { return sequences_.at(sequence).running; }
  FinishReason finish_reason(SequenceId sequence) const override { return sequences_.at(sequence).reason; }
  std::string failure(SequenceId sequence) const override { return sequences_.at(sequence).failure; }
  void cancel(SequenceId sequence) override {
    State& state = sequences_.at(sequence);
    if (state.running) finish(state, FinishReason::cancelled);
  }
  void release(SequenceId sequence) override {
    ASSERT_EQ(sequences_.erase(sequence), 1u) << "released twice";
  }
  int64_t length(SequenceId sequence) const override { return sequences_.at(sequence).length; }
  Result<std::vector<float>> logits(const Prompt& prompt) override { return unavailable("scripted"); }
  int64_t vocab_size() const override { return tokenizer_->vocab_size(); }
  int64_t context_length() const override { return context; }
  int64_t pages_in_use() const override { return static_cast<int64_t>(sequences_.size()); }

  struct Script {
    std::vector<int32_t> tokens;
    float confidence = 1;
  };
  std::deque<Script> scripts;
  std::string prefill_error, fork_error, append_error;
  int64_t context = 4096;
  std::vector<std::string> prompts, appended;
  std::vector<Sampling> samplings;
  int64_t num_forks = 0, num_steps = 0;

 private:
  struct State {
    int64_t length = 0;
    Script script;
    Sampling sampling;
    TokenSink sink;
    int64_t emitted = 0;
    bool running = false;
    FinishReason reason = FinishReason::cancelled;
    std::string failure;
  };

  static void finish(State& state, FinishReason reason) {
    state.running = false;
    state.reason = reason;
    state.sink = nullptr;
  }

  void emit(State& state) {
    if (state.length >= context) return finish(state, FinishReason::length);
    ASSERT_LT(state.emitted, static_cast<int64_t>(state.script.tokens.size())) << "the script is too short";
    SampledToken token;
    token.id = state.script.tokens[static_cast<size_t>(state.emitted++)];
    token.confidence = state.script.confidence;
    ++state.length;
    bool more = false;
    try {
      more = state.sink(token);
    } catch (const std::exception& e) {
      finish(state, FinishReason::failed);
      state.failure = e.what();
      return;
    }
    const auto& stops = state.sampling.stop_tokens;
    if (std::find(stops.begin(), stops.end(), token.id) != stops.end())
      finish(state, FinishReason::stop);
    else if (!more)
      finish(state, FinishReason::cancelled);
    else if (state.emitted >= state.sampling.max_tokens)
      finish(state, FinishReason::length);
  }

  std::shared_ptr<const Tokenizer> tokenizer_;
  std::map<SequenceId, State> sequences_;
  SequenceId next_ = 1;
};

}  // namespace melete
