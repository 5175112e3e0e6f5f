// SpanEngine::step(): choose rows, one pass of the decoder over all of them, draw, tell the sinks.
#include <algorithm>
#include <exception>

#include "engine/span_engine.h"

namespace melete {
namespace {

bool is_penalised(const Sampling& sampling) {
  return sampling.frequency_penalty != 0 || sampling.presence_penalty != 0;
}

}  // namespace

// The last sampled token of each running sequence, once there is room for its keys and values.
void SpanEngine::choose_tokens() {
  const bool drafts = may_draft();
  for (const StatePtr& s : running_) {
    if (!s->running || s->held || s->prefill || !s->pending) continue;
    if (s->kv.length() >= context_length()) {
      finish(*s, FinishReason::length);
      continue;
    }
    Draft draft = drafts ? draft_for(*s) : Draft();
    bool has_room = s->kv.reserve(1 + std::ssize(draft.tokens)).ok();
    if (!has_room && draft.match != 0) {
      draft = {};
      has_room = s->kv.reserve(1).ok();
    }
    while (!has_room && yield_one()) has_room = s->kv.reserve(1).ok();
    if (has_room) {
      const int64_t count = 1 + std::ssize(draft.tokens);
      parts_.push_back({s, nullptr, count, std::move(draft), s->run, s->kv.length() + 1});
    } else {
      finish(*s, FinishReason::exhausted);
    }
  }
}

void SpanEngine::choose_share(const Scheduler::Share& share) {
  const StatePtr s = state(share.id);
  Prefill& work = *s->prefill;
  const int64_t count = next_rows(work, share.rows);
  Status room = work.kv.reserve(count);
  while (!room.ok() && prefilling_.back() != s && yield_one()) room = work.kv.reserve(count);
  if (room.ok()) {
    if (count < share.rows) scheduler_.put_first(s->id, work.place, work.left() - count, true);
    parts_.push_back({s, &work, count});
    return;
  }
  const bool others = !parts_.empty() || prefilling_.size() > 1;
  if (others) {
    restart(*s);
  } else {
    refuse(*s, room.error());
  }
}

void SpanEngine::choose_rows() {
  if (scheduler_.empty()) return;
  const bool beside_runs = std::any_of(running_.begin(), running_.end(), [](const StatePtr& s) {
    return s->running && !s->held && !s->prefill;
  });
  int64_t budget = beside_runs ? limits_.rows_per_step : limits_.rows_alone;
  if (limits_.max_step_s > 0) {
    const double rows = rows_per_s_ * limits_.max_step_s;
    const int64_t in_time =
        rows_per_s_ > 0 ? static_cast<int64_t>(std::min(rows, 1e9)) : limits_.rows_per_step;
    budget = std::min(budget, std::max(in_time, Scheduler::kQuantum));
  }
  const auto shares = scheduler_.next(
      budget, [&](SequenceId id, const QueuePlace& place, bool& ok) { ok = admit(id, place); });
  for (const Scheduler::Share& share : shares) {
    // An earlier share may have driven it out.
    if (std::any_of(prefilling_.begin(), prefilling_.end(),
                    [&](const StatePtr& p) { return p->id == share.id; }))
      choose_share(share);
  }
}

// x of all rows, media placed, through the layers: hidden rows in the order of the parts.
Tensor SpanEngine::forward(SpanOps& ops, std::span<const Part> parts) {
  std::vector<int32_t> ids;
  for (const Part& part : parts) {
    if (part.prefill == nullptr) {
      ids.push_back(*part.state->pending);
      ids.insert(ids.end(), part.draft.tokens.begin(), part.draft.tokens.end());
      continue;
    }
    const auto begin = part.prefill->prompt.tokens.begin() + part.prefill->kv.length() - part.prefill->base;
    ids.insert(ids.end(), begin, begin + part.count);
  }
  Tensor x = decoder_->embed(ops, ids);
  int64_t row = 0;
  for (const Part& part : parts) {
    if (part.prefill != nullptr) place_media(*part.prefill, part.count, x, row);
    row += part.count;
  }
  return decoder_->layers(ops, std::move(x));
}

void SpanEngine::compute() {
  if (parts_.empty()) return;
  std::vector<BatchPart> batch;
  std::vector<int64_t> wanted_rows;  // those that logits are needed of
  int64_t rows = 0;
  for (const Part& part : parts_) {
    batch.push_back({part.prefill != nullptr ? &part.prefill->kv : &part.state->kv, part.count});
    for (int64_t i = 0; part.prefill == nullptr && i < part.count; ++i) wanted_rows.push_back(rows + i);
    rows += part.count;
    if (part.prefill != nullptr && part.count == part.prefill->left()) wanted_rows.push_back(rows - 1);
  }
  SpanOps ops(*pool_, arena_, batch);
  Tensor hidden = forward(ops, parts_);
  Tensor logits;
  if (!wanted_rows.empty()) {
    if (std::ssize(wanted_rows) < rows) hidden = ops.gather_rows(hidden, wanted_rows);
    logits = decoder_->logits(ops, hidden);
  }
  int64_t row = 0;
  for (Part& part : parts_) {
    State& s = *part.state;
    if (part.prefill == nullptr) {
      take_pending(s, logits, row);
      if (part.draft.match != 0) part.logits = logits;
      part.logits_row = row;
      row += part.count;
      continue;
    }
    const bool done = part.count == part.prefill->left();
    advance(*part.prefill, part.count);
    if (!done) continue;
    complete(s, *part.prefill, logits, row++);
    std::erase(prefilling_, part.state);
    note_change(s);
  }
}

// Of every run that will draw in this step.
void SpanEngine::begin_masks() {
  std::vector<MaskJob> jobs;
  for (const StatePtr& s : running_) {
    if (!s->running || s->held || !s->constraint) continue;
    const auto is_last_part = [&](const Part& part) {
      return part.prefill == s->prefill.get() && part.count == part.prefill->left();
    };
    if (!s->prefill || std::any_of(parts_.begin(), parts_.end(), is_last_part))
      jobs.push_back({s->constraint.get(), {}, {}});
  }
  masks_.begin(std::move(jobs));
}

void SpanEngine::draw() {
  const std::vector<MaskJob> masks = masks_.wait();
  for (const StatePtr& s : running_) {
    if (!s->can_sample()) continue;
    Draw& draw = draws_.emplace_back(Draw{s, s->run, {}, {}, {}});
    draw.token.id = kNoToken;
    if (!s->constraint) continue;
    const auto job = std::find_if(masks.begin(), masks.end(),
                                  [&](const MaskJob& m) { return m.constraint == s->constraint.get(); });
    MELETE_CHECK(job != masks.end());
    draw.mask = job->mask;
    draw.failure = job->failure;
  }
  if (samplers_.size() < draws_.size()) samplers_.resize(draws_.size());
  pool_->run(std::ssize(draws_), [&](int64_t i) {
    Draw& draw = draws_[static_cast<size_t>(i)];
    const State& s = *draw.state;
    if (s.constraint && (draw.mask.empty() || !draw.failure.empty())) return;
    const std::span<const float> logits(s.logits.row(s.logits_row), static_cast<size_t>(vocab_size()));
    const SampledCounts none;
    const SampledCounts& counts = is_penalised(s.sampling) ? s.counts : none;
    draw.token =
        samplers_[static_cast<size_t>(i)].sample(logits, s.sampling, s.num_sampled, draw.mask, counts);
  });
}

// Tells the sink, and ends the run where it must end. The sink may have done anything meanwhile.
void SpanEngine::deliver(Draw& draw) {
  State& s = *draw.state;
  if (!s.running || s.run != draw.run) return;
  const SampledToken& token = draw.token;
  std::string failure = std::move(draw.failure);
  bool wants_more = false;
  // Outside of the state while it runs, since the sink may start the sequence anew with another sink.
  TokenSink sink;
  const char* who = "constraint";
  try {
    if (failure.empty() && token.id == kNoToken) return finish(s, FinishReason::blocked);
    if (failure.empty()) {
      if (s.constraint) s.constraint->accept(token.id);
      ++s.num_sampled;
      ++s.num_emitted;
      if (is_penalised(s.sampling)) ++s.counts[token.id];
      s.pending = token.id;
      s.logits = Tensor();
      who = "token sink";
      sink = std::move(s.sink);
      wants_more = sink(token);
    }
  } catch (const std::exception& e) {
    failure = cat("the ", who, " threw: ", e.what());
  } catch (...) {
    failure = cat("the ", who, " threw something that is no std::exception");
  }
  if (!s.running || s.run != draw.run) return;
  const auto& stops = s.sampling.stop_tokens;
  if (!failure.empty()) {
    finish(s, FinishReason::failed);
    s.failure = std::move(failure);
  } else if (std::find(stops.begin(), stops.end(), token.id) != stops.end()) {
    finish(s, FinishReason::stop);
  } else if (!wants_more) {
    finish(s, FinishReason::cancelled);
  } else if (s.num_emitted >= s.sampling.max_tokens) {
    finish(s, FinishReason::length);
  } else {
    s.sink = std::move(sink);
  }
}

bool SpanEngine::step() {
  const Stopwatch watch;
  std::erase_if(running_, [](const StatePtr& s) { return !s->running; });
  parts_.clear();
  draws_.clear();
  choose_tokens();
  choose_rows();
  begin_masks();
  int64_t prefilled = 0;
  for (const Part& part : parts_) prefilled += part.prefill != nullptr ? part.count : 0;
  compute();
  int64_t drawn = 0;
  do {
    draws_.clear();
    draw();
    for (Draw& draw : draws_) deliver(draw);
    drawn += std::ssize(draws_);
  } while (accept_drafts());
  idle_ = parts_.empty() && drawn == 0;
  if (!idle_) recorder_.add(watch.seconds(), prefilled, drawn);
  if (prefilled > 0) rows_per_s_ = static_cast<double>(prefilled) / watch.seconds();
  parts_.clear();
  draws_.clear();
  return !scheduler_.empty() || !prefilling_.empty() ||
         std::any_of(running_.begin(), running_.end(), [](const StatePtr& s) { return s->running; });
}

}  // namespace melete
