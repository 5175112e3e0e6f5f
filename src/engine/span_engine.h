// SpanEngine: the Engine on the CPU kernels: any Decoder, paged key-value cache, one batch of all sequences.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "engine/decoder.h"
#include "engine/engine.h"
#include "engine/prompt_media.h"
#include "engine/sampler.h"

namespace melete {

class SpanEngine : public Engine {
 public:
  SpanEngine(std::unique_ptr<ThreadPool> pool, std::unique_ptr<Decoder> decoder, int64_t max_kv_bytes);

  Result<SequenceId> prefill(const Prompt& prompt) override;
  Result<std::vector<SequenceId>> fork(SequenceId sequence, int count) override;
  Status append(SequenceId sequence, std::span<const int32_t> tokens) override;
  Status append(SequenceId sequence, const Prompt& prompt) override;
  void start(SequenceId sequence, const Sampling& sampling, TokenSink sink) override;
  bool step() override;
  bool is_running(SequenceId sequence) const override;
  FinishReason finish_reason(SequenceId sequence) const override;
  std::string failure(SequenceId sequence) const override;
  std::shared_ptr<const TokenConstraint> constraint(SequenceId sequence) const override;
  void cancel(SequenceId sequence) override;
  void release(SequenceId sequence) override;
  int64_t length(SequenceId sequence) const override;
  Result<std::vector<float>> logits(const Prompt& prompt) override;
  int64_t vocab_size() const override { return decoder_->shape().vocab_size; }
  int64_t context_length() const override { return decoder_->shape().context_length; }
  int64_t pages_in_use() const override { return kv_.pages_in_use(); }

  // Rows of a prompt that go through the decoder at once; any value gives the same bits.
  void set_prefill_rows(int64_t rows) { prefill_rows_ = rows; }

 private:
  struct State {
    explicit State(KvSequence pages) : kv(std::move(pages)) {}
    KvSequence kv;
    std::vector<float> logits;       // after the last position of kv
    std::optional<int32_t> pending;  // sampled, not yet in kv
    uint64_t num_sampled = 0;        // in all runs; a fork goes on from its parent's
    bool running = false;
    int64_t run = 0;          // counts starts, so that a step notices a restart by a sink
    int64_t num_emitted = 0;  // in this run
    Sampling sampling;
    std::shared_ptr<TokenConstraint> constraint;  // nobody else's
    TokenSink sink;
    FinishReason reason = FinishReason::cancelled;
    std::string failure;
  };
  using StatePtr = std::shared_ptr<State>;

  const StatePtr& state(SequenceId sequence) const;
  SequenceId add(StatePtr state);
  Status check_length(int64_t length) const;
  // Runs the prompt's positions after kv's; `visit` sees each chunk's hidden rows, and whether it is the
  // last.
  template <class Visit>
  Status run_prompt(KvSequence& kv, const Prompt& prompt, Visit visit);
  void place_media(const Prompt& prompt, std::span<const Tensor> media_rows, int64_t begin, Tensor& x) const;
  Status extend(State& state, const Prompt& prompt);
  void decode_pending();
  void sample_one(State& state);
  bool draw_token(State& state, SampledToken& token);
  static void finish(State& state, FinishReason reason);

  std::unique_ptr<ThreadPool> pool_;
  std::unique_ptr<Decoder> decoder_;
  Arena arena_;
  KvPool kv_;
  TowerRunner towers_;
  Sampler sampler_;
  int64_t prefill_rows_ = 512;
  SequenceId next_id_ = 1;
  std::map<SequenceId, StatePtr> sequences_;
};

}  // namespace melete
