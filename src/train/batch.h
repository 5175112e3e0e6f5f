// Documents for training, and batches of them as the model's forward takes them.
//
// A document is one conversation: a medium or none, then questions with their answers. Legend: N positions of
// all documents of a batch, R positions that predict a target token.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/input.h"
#include "text/prompt.h"

namespace melete {

// How an answer is given. Accuracies are kept apart by it: a thinking answer counts as right only if its
// reasoning is also the reference's, token by token.
enum class AnswerKind : uint8_t { instant, thinking, transcript };
constexpr int kNumAnswerKinds = 3;
const char* name_of(AnswerKind kind);

// The targets [begin, end) of one answer, reasoning included.
struct AnswerSpan {
  AnswerKind kind = AnswerKind::instant;
  int64_t begin = 0, end = 0;
};

struct Document {
  int32_t task = 0, level = 0, family = 0;  // indices into DocumentMaker's lists
  Prompt prompt;
  std::vector<int64_t> target_at;   // ascending token indices >= 1 whose token is to be predicted
  std::vector<AnswerSpan> answers;  // ranges of target_at

  int64_t num_tokens() const { return static_cast<int64_t>(prompt.tokens.size()); }
};

// A document's or an answer's rows within a batch.
struct BatchSpan {
  int32_t task = 0, level = 0, family = 0;
  AnswerKind kind = AnswerKind::instant;  // answers only
  int64_t begin = 0, end = 0;             // rows [begin, end) of R
};

struct Batch {
  ModelInput input;             // N positions
  std::vector<int64_t> rows_R;  // position whose next token is the target
  std::vector<int64_t> targets_R;
  std::vector<float> weights_R;  // of the loss; over the batches of one step they add up to about 1
  std::vector<BatchSpan> documents, answers;

  int64_t num_tokens() const { return static_cast<int64_t>(input.tokens.size()); }
};

// Appends `document` with loss weight `weight` spread evenly over its targets. CHECKs that the document's
// spans lie inside it and that each medium fills exactly its spans.
void append_document(Batch& batch, const Document& document, double weight);

// Assigns documents of `lengths` to at most `num_bins` bins of `capacity` positions: longest first, each into
// the least full bin, so that bins end nearly equally full and every one holds a mixture of lengths (best-fit
// would put all long documents, and with them whole families, into the first bins). Returns the bin of each
// document, -1 if none had room.
std::vector<int32_t> pack_documents(const std::vector<int64_t>& lengths, int64_t capacity, int32_t num_bins);

}  // namespace melete
