// SpanEngine's prompts: taken up from the cache, computed in chunks, admitted to and driven from memory.
#include <algorithm>

#include "engine/span_engine.h"

namespace melete {
namespace {

// Idle activation memory that a long prompt may leave behind.
constexpr int64_t kIdleBytes = int64_t{128} << 20;

}  // namespace

Status SpanEngine::check_new(const Prompt& prompt, int64_t base) const {
  MELETE_RETURN_IF_ERROR(check_prompt(prompt, decoder_->shape()));
  if (prompt.tokens.empty()) return invalid_argument("[engine] a prompt must have a token, got none");
  const int64_t length = base + std::ssize(prompt.tokens);
  if (length <= context_length()) return ok_status();
  return exhausted("[engine] prompt and answer must fit the model's context of ", context_length(),
                   " tokens, got ", length, "; shorten the conversation or give fewer or smaller media");
}

std::unique_ptr<SpanEngine::Prefill> SpanEngine::make_prefill(const State& state, Prompt prompt) {
  if (state.pending) {
    prompt.tokens.insert(prompt.tokens.begin(), *state.pending);
    for (MediaSpan& span : prompt.spans) ++span.begin;
  }
  std::vector<PositionKey> keys = state.keys;
  const std::vector<PositionKey> more = position_keys(prompt);
  keys.insert(keys.end(), more.begin(), more.end());
  auto work = std::make_unique<Prefill>(
      Prefill{.prompt = std::move(prompt), .place = {}, .keys = std::move(keys), .kv = state.kv.fork()});
  work->base = state.kv.length();
  work->media_rows.resize(work->prompt.media.size());
  return work;
}

// The last position is always computed, for its logits.
void SpanEngine::take_up(Prefill& prefill) {
  if (prefill.kv.length() > 0) return;
  auto found = cache_.find(prefill.keys, prefill.total() - 1);
  prefill.kv = std::move(found.sequence);
  prefill.found = prefill.kv.length();
  prefill.known = found.known_positions;
}

// Chunks end where the cache wants to keep the windows' pages.
int64_t SpanEngine::next_rows(const Prefill& prefill, int64_t most) const {
  int64_t rows = std::min(most, prefill.left());
  if (prefill.known > prefill.kv.length()) rows = std::min(rows, prefill.known - prefill.kv.length());
  return rows;
}

// Overwrites the placeholder rows of x from `row` on, which are the prompt's next `count`.
void SpanEngine::place_media(Prefill& prefill, int64_t count, Tensor& x, int64_t row) {
  const int64_t begin = prefill.kv.length() - prefill.base;
  for (const MediaSpan& span : prefill.prompt.spans) {
    const int64_t first = std::max(span.begin, begin),
                  last = std::min(span.begin + span.num_tokens, begin + count);
    if (first >= last) continue;
    const auto index = static_cast<size_t>(span.media_index);
    Tensor& rows = prefill.media_rows[index];
    if (rows.rows() == 0) rows = towers_.rows(*prefill.prompt.media[index]);
    std::copy_n(rows.row(span.media_row + first - span.begin), (last - first) * x.width(),
                x.row(row + first - begin));
  }
}

void SpanEngine::advance(Prefill& prefill, int64_t count) {
  prefill.kv.advance(count);
  if (prefill.kv.length() == prefill.known)
    cache_.insert(prefill.kv, std::span(prefill.keys).first(static_cast<size_t>(prefill.known)), false);
}

void SpanEngine::complete(State& state, Prefill& prefill, const Tensor& logits, int64_t row) {
  asked_tokens_ += prefill.total() - prefill.base;
  found_tokens_ += prefill.found;
  cache_.insert(prefill.kv, prefill.keys, true);
  state.kv = std::move(prefill.kv);
  state.keys = std::move(prefill.keys);
  state.found = prefill.found;
  state.logits = logits;
  state.logits_row = row;
  state.pending.reset();
  state.prefill.reset();
}

Status SpanEngine::compute_alone(State& state, Prefill& prefill) {
  const Stopwatch watch;
  const int64_t rows = prefill.left();
  while (true) {
    const int64_t count = next_rows(prefill, limits_.rows_alone);
    while (true) {
      const Status room = prefill.kv.reserve(count);
      if (room.ok()) break;
      if (!yield_one()) return room;
    }
    const BatchPart batch{&prefill.kv, count};
    SpanOps ops(*pool_, arena_, std::span(&batch, 1));
    const Part part{nullptr, &prefill, count};
    const Tensor hidden = forward(ops, std::span(&part, 1));
    if (count < prefill.left()) {
      advance(prefill, count);
      continue;
    }
    const int64_t last = count - 1;
    const Tensor logits = decoder_->logits(ops, ops.gather_rows(hidden, std::span(&last, 1)));
    advance(prefill, count);
    complete(state, prefill, logits, 0);
    break;
  }
  recorder_.add(watch.seconds(), rows, 0);
  if (arena_.bytes_held() - arena_.bytes_in_use() > kIdleBytes) arena_.trim();
  return ok_status();
}

// What so many positions after some others may need, at most.
int64_t SpanEngine::bytes_for(int64_t rows) const {
  const KvLayout& layout = kv_.layout();
  int64_t bytes = 0;
  for (int64_t group = 0; group < layout.num_groups(); ++group) {
    int64_t pages = pages_for(rows) + 1;
    if (layout.window(group) > 0)
      pages = std::min(pages, pages_for(layout.window(group) + limits_.rows_alone) + 2);
    bytes += pages * layout.page_bytes(group);
  }
  return bytes;
}

// Whether a prompt may begin: a run is free for it, and its pages fit beside what sequences hold, what the
// prompts before it still need, and a page for every run.
bool SpanEngine::admit(SequenceId id, const QueuePlace& place) {
  const StatePtr held = state(id);
  const auto runs = std::count_if(running_.begin(), running_.end(),
                                  [](const StatePtr& s) { return s->running && !s->prefill; });
  const bool alone = runs == 0 && prefilling_.empty();
  if (!alone && runs + scheduler_.admitted_slots() + place.slots > limits_.max_running) return false;
  Prefill& work = *held->prefill;
  take_up(work);
  int64_t needed = bytes_for(work.left()) + runs * bytes_for(1);
  for (const StatePtr& other : prefilling_) needed += bytes_for(other->prefill->left());
  const int64_t free = kv_.max_bytes() - (kv_.bytes_in_use() - kv_.cached_bytes());
  if (needed > free && !alone) {
    if (work.base == 0) work.kv = KvSequence(kv_);
    return false;
  }
  scheduler_.skip(id, work.total() - work.base - work.left());
  prefilling_.push_back(held);
  return true;
}

void SpanEngine::refuse(State& state, const Error& error) {
  ++num_refused_;
  scheduler_.remove(state.id);
  std::erase_if(prefilling_, [&](const StatePtr& p) { return p.get() == &state; });
  state.prefill.reset();
  state.failure = error.message;
  if (state.running) return finish(state, FinishReason::exhausted);
  state.reason = FinishReason::exhausted;
  note_change(state);
}

// Gives up the pages of a prompt that was begun; whole ones stay in the cache as long as there is room.
void SpanEngine::restart(State& state) {
  ++num_yielded_;
  Prefill& work = *state.prefill;
  if (work.kv.length() > work.base)
    cache_.insert(work.kv, std::span(work.keys).first(static_cast<size_t>(work.kv.length())), false);
  work.kv = state.kv.fork();
  work.found = work.known = 0;
  std::erase_if(prefilling_, [&](const StatePtr& p) { return p.get() == &state; });
  std::erase_if(parts_, [&](const Part& part) { return part.state.get() == &state; });
  scheduler_.put_first(state.id, work.place, work.left(), false);
}

// The prompt that began last makes room for what runs.
bool SpanEngine::yield_one() {
  if (prefilling_.empty()) return false;
  restart(*StatePtr(prefilling_.back()));
  return true;
}

}  // namespace melete
