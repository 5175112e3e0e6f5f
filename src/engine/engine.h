// The engine: one thread owns the weights, the pages and the batch; everything else talks through this class.
//
// Invariants, each a test: logits of position t don't depend on anything after t; prefill in any chunks, decode, and a
// batch of any size give the same bits; fork then run equals run alone; a sink that throws or blocks can't stall others.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "text/prompt.h"

namespace melete {

struct Sampling {
  double temperature = 0.0;         // 0: greedy
  double top_p = 1.0;
  int64_t top_k = 0;                // 0: off
  double min_p = 0.0;
  uint64_t seed = 0;                // Philox(seed, stream, token index): independent of batching
  uint64_t stream = 0;              // the agent's number
  int64_t max_tokens = 512;
  std::vector<int32_t> stop_tokens; // generation ends after one of these
};

struct SampledToken {
  int32_t id = 0;
  float log_prob = 0;               // under the untempered distribution
  float confidence = 0;             // minus the mean log-prob of the top 20 (DeepConf, 2508.15260)
};

enum class FinishReason { stop, length, cancelled };

// Called on the thread that steps the engine, in order. Return false to cancel the sequence.
using TokenSink = std::function<bool(const SampledToken&)>;

using SequenceId = int64_t;

class Engine {
 public:
  // Loads a Hugging Face folder (config.json, *.safetensors). Errors name the file and the tensor.
  static Result<std::unique_ptr<Engine>> load(const std::filesystem::path& model_dir, int num_threads = 0 /* all */);
  virtual ~Engine() = default;

  // Runs the towers and the decoder over the prompt. Errors: invalid_argument (ids out of range, media missing),
  // exhausted (longer than the context).
  virtual Result<SequenceId> prefill(const Prompt& prompt) = 0;
  virtual Result<std::vector<SequenceId>> fork(SequenceId sequence, int count) = 0;   // children share the prefix
  virtual Status append(SequenceId sequence, std::span<const int32_t> tokens) = 0;    // never counted as sampled
  virtual void start(SequenceId sequence, const Sampling& sampling, TokenSink sink) = 0;
  virtual bool step() = 0;                                   // one decode step for all started; false: none is left
  virtual FinishReason finish_reason(SequenceId sequence) const = 0;
  virtual void cancel(SequenceId sequence) = 0;              // stops it; it can be started or appended to again
  virtual void release(SequenceId sequence) = 0;             // frees its pages at once

  // Logits after every position of the prompt, [tokens, vocab]: for tests and `melete debug logits`.
  virtual Result<std::vector<float>> logits(const Prompt& prompt) = 0;
  virtual int64_t vocab_size() const = 0;
  virtual int64_t context_length() const = 0;
};

}  // namespace melete
