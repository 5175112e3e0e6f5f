// The engine: one thread owns the weights, the pages and the batch; everything else talks through this class.
//
// Invariants, each a test: logits of position t don't depend on anything after t; prefill in any chunks,
// decode, and a batch of any size give the same bits; fork then run equals run alone; a sink that throws ends
// its own sequence only. All calls come from one thread. A sequence id that isn't held is a bug of the
// caller.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/weight_type.h"
#include "text/prompt.h"

namespace melete {

// Which tokens may come next: a grammar's automaton, a forced choice. The engine asks for the mask once a
// token, on a thread of its own while the step's matrices run, and then tells which token was drawn. What
// mask() and accept() throw ends their own sequence only (FinishReason::failed).
struct TokenConstraint {
  virtual ~TokenConstraint() = default;
  // Bit id % 32 of word id / 32: whether the id is allowed next; ids past the last word aren't. Valid until
  // the next call of either function.
  virtual std::span<const uint32_t> mask() = 0;
  virtual void accept(int32_t id) = 0;
  virtual std::unique_ptr<TokenConstraint> clone() const = 0;
};

struct Sampling {
  double temperature = 0.0;  // 0: greedy
  double top_p = 1.0;
  int64_t top_k = 0;  // 0: off
  double min_p = 0.0;
  // Taken from the logits of tokens that the sequence has sampled, in any run with penalties: for each time,
  // and once. log_prob, confidence and top are after them.
  double frequency_penalty = 0.0, presence_penalty = 0.0;
  uint64_t seed = 0;    // Philox(seed, stream, token index): independent of batching
  uint64_t stream = 0;  // the agent's number
  int64_t max_tokens = 512;
  std::vector<int32_t> stop_tokens;  // generation ends after one of these, which the sink still sees
  // Null: none. start() clones it, so that many runs may begin from one. What it forbids has probability 0
  // in log_prob, confidence and top too.
  std::shared_ptr<const TokenConstraint> constraint;
};

struct RankedToken {
  int32_t id = 0;
  float log_prob = 0;
};

struct SampledToken {
  int32_t id = 0;
  float log_prob = 0;            // under the untempered distribution
  float confidence = 0;          // minus the mean log-prob of the top 20 (DeepConf, 2508.15260)
  std::vector<RankedToken> top;  // the 20 likeliest (or the whole vocabulary), likeliest first
};

// exhausted: no room left for the next token's keys and values. failed: the sink or the constraint threw, see
// Engine::failure(). blocked: the constraint allows no token.
enum class FinishReason { stop, length, cancelled, exhausted, failed, blocked };

// Called on the thread that steps the engine, in order. Return false to cancel the sequence. May call any
// function of the engine except step(), and may cancel or release any sequence, its own too.
using TokenSink = std::function<bool(const SampledToken&)>;

using SequenceId = int64_t;

class Engine {
 public:
  // Loads a Hugging Face folder (config.json, *.safetensors) or a .gguf file of any family that
  // engine/families has. Errors name the file and the tensor. max_kv_bytes: limit of the key-value cache; it
  // grows as needed.
  static Result<std::unique_ptr<Engine>> load(const std::filesystem::path& model,
                                              int num_threads = 0 /* all */,
                                              int64_t max_kv_bytes = int64_t{2} << 30,
                                              WeightType weights = WeightType::automatic);
  virtual ~Engine() = default;

  // Runs the towers and the decoder over the prompt. Errors: invalid_argument (ids out of range, media
  // missing or of a kind that the model lacks), exhausted (longer than the context, or no memory for its
  // pages).
  virtual Result<SequenceId> prefill(const Prompt& prompt) = 0;
  virtual Result<std::vector<SequenceId>> fork(SequenceId sequence,
                                               int count) = 0;  // children share the prefix

  // Continues a sequence that isn't running: tool results, forced closings, the next turn with its media.
  // Never counted as sampled. Errors as prefill's; the sequence is then as it was.
  virtual Status append(SequenceId sequence, const Prompt& prompt) = 0;
  Status append(SequenceId sequence, std::span<const int32_t> tokens) {
    Prompt prompt;
    prompt.tokens.assign(tokens.begin(), tokens.end());
    return append(sequence, prompt);
  }

  virtual void start(SequenceId sequence, const Sampling& sampling, TokenSink sink) = 0;
  // One token for all started, or more where drafts came true; false: none is left.
  virtual bool step() = 0;
  virtual bool is_running(SequenceId sequence) const = 0;
  virtual FinishReason finish_reason(SequenceId sequence) const = 0;  // of the last run; cancelled before any
  virtual std::string failure(SequenceId sequence) const = 0;  // what the sink or constraint threw, or empty
  // The constraint as the last run's tokens left it, null without one; a fork has a copy of its parent's. To
  // go on from it, start with it again.
  virtual std::shared_ptr<const TokenConstraint> constraint(SequenceId sequence) const { return nullptr; }
  virtual void cancel(SequenceId sequence) = 0;   // stops it; it can be started or appended to again
  virtual void release(SequenceId sequence) = 0;  // frees its pages at once

  // Positions of a sequence: prompt, appended and sampled tokens.
  virtual int64_t length(SequenceId sequence) const = 0;

  // Logits after every position of the prompt, [tokens, vocab]: for tests and `melete debug logits`.
  virtual Result<std::vector<float>> logits(const Prompt& prompt) = 0;
  virtual int64_t vocab_size() const = 0;
  virtual int64_t context_length() const = 0;
  virtual int64_t pages_in_use() const = 0;  // key-value pages that some sequence holds

  // Remembered prompts in a file, so that a later process finds them. Loading forgets those remembered now
  // and returns how many positions were loaded; errors: not_found, corrupt (a cut or changed file),
  // invalid_argument (of another model, weight type or build, or an engine that remembers none); nothing is
  // remembered then.
  virtual Status save_prompts(const std::filesystem::path& file);
  virtual Result<int64_t> load_prompts(const std::filesystem::path& file);
};

}  // namespace melete
