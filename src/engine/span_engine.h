// SpanEngine: the Engine on the CPU kernels: any Decoder, paged key-value cache, one batch of all sequences.
//
// Beside the Engine's own functions, which compute a prompt at once, prompts can be queued: each step() then
// computes some of their rows beside the running sequences' tokens (chunked prefill), see Scheduler. Whatever
// is computed together, each sequence gets the bits that it gets alone. Prompts' beginnings that were seen
// before are taken from the RadixCache. All calls come from one thread; EngineThread is for many.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "engine/decoder.h"
#include "engine/engine.h"
#include "engine/engine_metrics.h"
#include "engine/mask_thread.h"
#include "engine/ngram.h"
#include "engine/prompt_media.h"
#include "engine/radix_cache.h"
#include "engine/sampler.h"
#include "engine/scheduler.h"

namespace melete {

class PackedCache;

struct EngineLimits {
  int64_t max_kv_bytes = int64_t{2} << 30;
  int64_t max_cached_bytes = int64_t{256} << 20;  // of remembered prompts, within max_kv_bytes
  int64_t max_queued = 4096;                      // prompts that wait
  int64_t max_running = 256;    // queued prompts wait until so few run and are computed, with their slots
  int64_t rows_per_step = 128;  // of queued prompts beside running sequences
  int64_t rows_alone = 512;     // of prompts while nothing runs
  // How long a step with rows of prompts should take at most, by the speed of the one before, so that what
  // isn't wanted any more ends soon; 0: any time.
  double max_step_s = 0;
  // Tokens a step that n-gram look-up may expect of a sequence (ngram.h) while fewer than four run and no
  // prompt waits; 0: none. A step then gives one token or more, the same as without.
  int64_t max_draft = 0;
  // How keys and values are kept; unless given, integers beside quantised matrices (kv_type_beside) and f32
  // otherwise, so that logits stay those of the reference.
  std::optional<KvType> kv_type = {};
};

enum class SequencePhase {
  queued,      // its prompt waits for its first rows
  prefilling,  // some of its prompt is computed
  ready,
  running,
  refused,  // there was no room for its prompt, see failure()
};

class SpanEngine : public Engine {
 public:
  // Errors as Engine::load.
  static Result<std::unique_ptr<SpanEngine>> load(const std::filesystem::path& model, int num_threads,
                                                  const EngineLimits& limits,
                                                  WeightType weights = WeightType::automatic);
  SpanEngine(std::unique_ptr<ThreadPool> pool, std::unique_ptr<Decoder> decoder, const EngineLimits& limits);
  ~SpanEngine() override;

  Result<SequenceId> prefill(const Prompt& prompt) override;
  Result<std::vector<SequenceId>> fork(SequenceId sequence, int count) override;
  using Engine::append;
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
  int64_t pages_in_use() const override { return kv_.pages_in_use() - kv_.cached_pages(); }

  // The mean over the prompt's positions of what the last norm gives, [width]. Errors: as prefill's.
  Result<std::vector<float>> mean_hidden(const Prompt& prompt);

  // Queues a prompt, of a new sequence or as append() would add it. start() may follow at once: the run
  // begins when the prompt is computed. cancel() and release() take it back. Errors: as prefill's, and
  // exhausted (the queue is full). A prompt that finds no room later is refused: the sequence is as it was,
  // failure() says why, and a run that waits for it ends with FinishReason::exhausted.
  Result<SequenceId> enqueue(Prompt prompt, const QueuePlace& place = {});
  Status enqueue(SequenceId sequence, Prompt prompt, const QueuePlace& place = {});
  SequencePhase phase(SequenceId sequence) const;
  // Positions of the last prompt that were found in the cache.
  int64_t found_positions(SequenceId sequence) const { return state(sequence)->found; }

  // A held sequence runs but gets no token before resume(). May be called from its sink.
  void hold(SequenceId sequence) { state(sequence)->held = true; }
  void resume(SequenceId sequence) { state(sequence)->held = false; }
  // The last step computed nothing: all that run are held, and the prompts that wait find no room.
  bool is_idle() const { return idle_; }

  // Sequences whose run ended or whose queued prompt was computed or refused since the last call, of which
  // the first tells that somebody asks. May name released ones.
  std::vector<SequenceId> take_changed() {
    watched_ = true;
    return std::exchange(changed_, {});
  }

  EngineMetrics metrics() const;
  double last_step_s() const { return recorder_.last_s(); }
  const EngineLimits& limits() const { return limits_; }
  const DecoderShape& shape() const { return decoder_->shape(); }

  // Rows of a prompt that go through the decoder at once; any value gives the same bits.
  void set_prefill_rows(int64_t rows);

  Status save_prompts(const std::filesystem::path& file) override;
  Result<int64_t> load_prompts(const std::filesystem::path& file) override;

 private:
  // A prompt on its way into a sequence.
  struct Prefill {
    Prompt prompt;
    QueuePlace place;
    std::vector<PositionKey> keys;     // of the whole sequence
    KvSequence kv;                     // as far as computed
    int64_t base = 0;                  // positions before the prompt
    int64_t known = 0;                 // the cache knows up to here, but has lost pages of windows before it
    int64_t found = 0;                 // positions taken from the cache
    std::vector<Tensor> media_rows{};  // by medium, once needed

    int64_t total() const { return std::ssize(keys); }
    int64_t left() const { return total() - kv.length(); }
  };
  struct State {
    State(SequenceId number, KvSequence pages) : id(number), kv(std::move(pages)) {}
    SequenceId id;
    KvSequence kv;
    std::vector<PositionKey> keys;  // of kv's positions
    Tensor logits;                  // after the last position of kv: a row of a batch's
    int64_t logits_row = 0;
    std::optional<int32_t> pending;  // sampled, not yet in kv
    std::unique_ptr<Prefill> prefill;
    int64_t found = 0;
    uint64_t num_sampled = 0;  // in all runs; a fork goes on from its parent's
    SampledCounts counts;      // of tokens sampled in runs with penalties, likewise
    bool running = false, held = false;
    int64_t run = 0;                        // counts starts, so that a step notices a restart by a sink
    int64_t num_emitted = 0;                // in this run
    std::unique_ptr<NgramDrafter> drafter;  // once it has drafted
    Sampling sampling;
    std::shared_ptr<TokenConstraint> constraint;  // nobody else's
    TokenSink sink;
    FinishReason reason = FinishReason::cancelled;
    std::string failure;

    bool can_sample() const { return running && !held && !prefill && !pending; }
  };
  using StatePtr = std::shared_ptr<State>;
  // Rows of one sequence in a batch.
  struct Part {
    StatePtr state;
    Prefill* prefill;  // null: the pending token, and what is drafted after it
    int64_t count;
    Draft draft = {};
    int64_t run = 0;           // of the state, when it was drafted
    int64_t length = 0;        // of its keys and values with the pending token
    int64_t num_accepted = 0;  // of the draft
    Tensor logits = {};        // of all its rows, from logits_row on
    int64_t logits_row = 0;
  };
  // A token drawn for a state's run of that number.
  struct Draw {
    StatePtr state;
    int64_t run;
    SampledToken token;
    std::span<const uint32_t> mask;
    std::string failure;
  };

  const StatePtr& state(SequenceId sequence) const;
  StatePtr add(KvSequence kv);
  void finish(State& state, FinishReason reason);
  void note_change(const State& state) {
    if (watched_) changed_.push_back(state.id);
  }
  std::string fingerprint();
  using SeeHidden = FunctionRef<void(SpanOps& ops, const Tensor& hidden_ND)>;
  Status compute_apart(const Prompt& prompt, SeeHidden see);

  // span_engine_prefill.cc
  Status check_new(const Prompt& prompt, int64_t base) const;
  std::unique_ptr<Prefill> make_prefill(const State& state, Prompt prompt);
  void take_up(Prefill& prefill);
  int64_t next_rows(const Prefill& prefill, int64_t most) const;
  Status compute_alone(State& state, Prefill& prefill);
  void advance(Prefill& prefill, int64_t count);
  void complete(State& state, Prefill& prefill, const Tensor& logits, int64_t row);
  void place_media(Prefill& prefill, int64_t count, Tensor& x, int64_t row);
  int64_t bytes_for(int64_t rows) const;
  bool admit(SequenceId id, const QueuePlace& place);
  void refuse(State& state, const Error& error);
  void restart(State& state);
  bool yield_one();

  // span_engine_drafts.cc
  bool may_draft() const;
  Draft draft_for(State& state);
  bool accept_drafts();
  static void take_pending(State& state, const Tensor& logits, int64_t row);

  // span_engine_step.cc
  void choose_tokens();
  void choose_rows();
  void choose_share(const Scheduler::Share& share);
  void compute();
  Tensor forward(SpanOps& ops, std::span<const Part> parts);
  void begin_masks();
  void draw();
  void deliver(Draw& draw);

  EngineLimits limits_;
  std::unique_ptr<ThreadPool> pool_;
  std::unique_ptr<Decoder> decoder_;
  std::unique_ptr<PackedCache> packed_;  // still writes after the load
  std::string identity_;                 // of the weights' files, if they came from files
  Arena arena_;
  KvPool kv_;
  RadixCache cache_;
  TowerRunner towers_;
  Scheduler scheduler_;
  StepRecorder recorder_;
  MaskThread masks_;
  std::vector<Sampler> samplers_;
  SequenceId next_id_ = 1;
  std::map<SequenceId, StatePtr> sequences_;
  std::vector<StatePtr> running_;     // by id; those that ended leave at the next step
  std::vector<StatePtr> prefilling_;  // admitted, oldest first
  std::vector<SequenceId> changed_;
  bool watched_ = false, idle_ = true;
  double rows_per_s_ = 0;  // of the last step that had rows of prompts
  int64_t num_refused_ = 0, num_yielded_ = 0, asked_tokens_ = 0, found_tokens_ = 0;
  // Of the current step.
  std::vector<Part> parts_;
  std::vector<Draw> draws_;
};

}  // namespace melete
