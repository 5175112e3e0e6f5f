// SpanEngine's drafts: tokens that n-gram look-up expects are computed beside the pending one, and those that
// are drawn anyway are kept. The draws are those of one token a step, so nothing but time changes.
#include <algorithm>

#include "engine/span_engine.h"

namespace melete {
namespace {

// From so many sequences on a step's rows use the memory's bandwidth already.
constexpr int64_t kTooManyToDraft = 4;

}  // namespace

// Of a running sequence with a pending token; empty where a draft wouldn't pay.
Draft SpanEngine::draft_for(State& s) {
  const int64_t most = std::min(
      {limits_.max_draft, context_length() - s.kv.length() - 1, s.sampling.max_tokens - s.num_emitted - 1});
  if (most <= 0) return {};
  const auto num_known = std::ssize(s.keys) + 1;  // and the pending one
  if (!s.drafter || s.drafter->num_tokens() > num_known) s.drafter = std::make_unique<NgramDrafter>();
  for (int64_t i = s.drafter->num_tokens(); i < num_known; ++i) {
    const bool is_pending = i == num_known - 1;
    const PositionKey key = is_pending ? PositionKey() : s.keys[static_cast<size_t>(i)];
    s.drafter->append(is_pending ? *s.pending : key.high == 0 ? static_cast<int32_t>(key.low) : -1);
  }
  return s.drafter->draft(most);
}

// Few sequences and no prompts: a step then has room for rows that may be in vain.
bool SpanEngine::may_draft() const {
  if (limits_.max_draft <= 0 || !scheduler_.empty() || !prefilling_.empty()) return false;
  const auto steps = [](const StatePtr& s) { return s->running && !s->held; };
  return std::count_if(running_.begin(), running_.end(), steps) < kTooManyToDraft;
}

// Takes each drafted token that has just been drawn, whose row is computed already, and starts the masks of
// what follows. False if there is none: the drafts are judged and forgotten.
bool SpanEngine::accept_drafts() {
  std::vector<MaskJob> jobs;
  bool any = false;
  for (Part& part : parts_) {
    State& s = *part.state;
    if (part.draft.match == 0) continue;
    const auto drafted = std::ssize(part.draft.tokens);
    // A sink may have ended the run, held it, or begun another one.
    const bool goes_on = s.running && !s.held && s.run == part.run && !s.prefill && s.pending &&
                         part.num_accepted < drafted && s.kv.length() == part.length + part.num_accepted &&
                         *s.pending == part.draft.tokens[static_cast<size_t>(part.num_accepted)];
    if (!goes_on) {
      if (s.drafter) s.drafter->report(part.draft, part.num_accepted);
      s.kv.truncate(s.kv.length());  // pages of refused rows
      part.draft = {};
      continue;
    }
    take_pending(s, part.logits, part.logits_row + ++part.num_accepted);
    if (s.constraint) jobs.push_back({s.constraint.get(), {}, {}});
    any = true;
  }
  if (any) masks_.begin(std::move(jobs));
  return any;
}

// The pending token's row is computed: its logits draw the next one.
void SpanEngine::take_pending(State& s, const Tensor& logits, int64_t row) {
  s.kv.advance(1);
  s.keys.push_back({0, static_cast<uint64_t>(*s.pending)});
  s.pending.reset();
  s.logits = logits;
  s.logits_row = row;
}

}  // namespace melete
