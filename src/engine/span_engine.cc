#include "engine/span_engine.h"

#include <algorithm>
#include <exception>

#include "engine/families/family.h"

namespace melete {
namespace {

// Idle activation memory that a long prompt may leave behind.
constexpr int64_t kIdleBytes = int64_t{128} << 20;

KvLayout layout_of(const DecoderShape& shape) {
  std::vector<int64_t> windows;
  for (const LayerShape& layer : shape.layers) windows.push_back(layer.window);
  return KvLayout(shape.layers.at(0).heads, KvType::f32, windows);
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::load(const std::filesystem::path& model, int num_threads,
                                             int64_t max_kv_bytes, WeightType weights) {
  auto pool = std::make_unique<ThreadPool>(num_threads);
  LoadOptions options;
  options.weights = weights;
  MELETE_ASSIGN_OR_RETURN(auto decoder, load_decoder(model, options, *pool));
  return std::unique_ptr<Engine>(
      std::make_unique<SpanEngine>(std::move(pool), std::move(decoder), max_kv_bytes));
}

SpanEngine::SpanEngine(std::unique_ptr<ThreadPool> pool, std::unique_ptr<Decoder> decoder,
                       int64_t max_kv_bytes)
    : pool_(std::move(pool)),
      decoder_(std::move(decoder)),
      kv_(layout_of(decoder_->shape()), max_kv_bytes),
      towers_(*decoder_, *pool_, arena_) {}

const SpanEngine::StatePtr& SpanEngine::state(SequenceId sequence) const {
  const auto found = sequences_.find(sequence);
  MELETE_CHECK(found != sequences_.end(), "no sequence ", sequence);
  return found->second;
}

SequenceId SpanEngine::add(StatePtr state) {
  sequences_.emplace(next_id_, std::move(state));
  return next_id_++;
}

Status SpanEngine::check_length(int64_t length) const {
  if (length <= context_length()) return ok_status();
  return exhausted("[engine] prompt and answer must fit the model's context of ", context_length(),
                   " tokens, got ", length, "; shorten the conversation or give fewer or smaller media");
}

// Overwrites the placeholder rows of x, which begin at token `begin` of the prompt.
void SpanEngine::place_media(const Prompt& prompt, std::span<const Tensor> media_rows, int64_t begin,
                             Tensor& x) const {
  for (const MediaSpan& span : prompt.spans) {
    const int64_t first = std::max(span.begin, begin),
                  last = std::min(span.begin + span.num_tokens, begin + x.rows());
    if (first >= last) continue;
    const Tensor& rows = media_rows[static_cast<size_t>(span.media_index)];
    std::copy_n(rows.row(span.media_row + first - span.begin), (last - first) * x.width(),
                x.row(first - begin));
  }
}

template <class Visit>
Status SpanEngine::run_prompt(KvSequence& kv, const Prompt& prompt, Visit visit) {
  MELETE_RETURN_IF_ERROR(check_prompt(prompt, decoder_->shape()));
  const auto total = static_cast<int64_t>(prompt.tokens.size());
  if (total == 0) return invalid_argument("[engine] a prompt must have a token, got none");
  MELETE_RETURN_IF_ERROR(check_length(kv.length() + total));
  std::vector<Tensor> media_rows;
  for (const auto& media : prompt.media) media_rows.push_back(towers_.rows(*media));
  for (int64_t begin = 0; begin < total; begin += prefill_rows_) {
    const BatchPart part{&kv, std::min(prefill_rows_, total - begin)};
    MELETE_RETURN_IF_ERROR(kv.reserve(part.count));
    SpanOps ops(*pool_, arena_, std::span(&part, 1));
    const auto ids =
        std::span(prompt.tokens).subspan(static_cast<size_t>(begin), static_cast<size_t>(part.count));
    Tensor x = decoder_->embed(ops, ids);
    place_media(prompt, media_rows, begin, x);
    visit(ops, decoder_->layers(ops, std::move(x)), begin + part.count == total);
    kv.advance(part.count);
  }
  if (arena_.bytes_held() - arena_.bytes_in_use() > kIdleBytes) arena_.trim();
  return ok_status();
}

// Works on a fork of the pages, so that a failure leaves the sequence as it was.
Status SpanEngine::extend(State& state, const Prompt& prompt) {
  KvSequence kv = state.kv.fork();
  std::vector<float> logits;
  MELETE_RETURN_IF_ERROR(run_prompt(kv, prompt, [&](SpanOps& ops, const Tensor& hidden, bool last) {
    if (!last) return;
    const int64_t row = hidden.rows() - 1;
    const Tensor y = decoder_->logits(ops, ops.gather_rows(hidden, std::span(&row, 1)));
    logits.assign(y.values().begin(), y.values().end());
  }));
  state.kv = std::move(kv);
  state.logits = std::move(logits);
  state.pending.reset();
  return ok_status();
}

Result<SequenceId> SpanEngine::prefill(const Prompt& prompt) {
  auto state = std::make_shared<State>(KvSequence(kv_));
  MELETE_RETURN_IF_ERROR(extend(*state, prompt));
  return add(std::move(state));
}

Result<std::vector<SequenceId>> SpanEngine::fork(SequenceId sequence, int count) {
  const StatePtr parent = state(sequence);
  std::vector<SequenceId> children;
  for (int i = 0; i < count; ++i) {
    auto child = std::make_shared<State>(parent->kv.fork());
    child->logits = parent->logits;
    child->pending = parent->pending;
    child->num_sampled = parent->num_sampled;
    if (parent->constraint) child->constraint = parent->constraint->clone();
    children.push_back(add(std::move(child)));
  }
  return children;
}

Status SpanEngine::append(SequenceId sequence, std::span<const int32_t> tokens) {
  Prompt prompt;
  prompt.tokens.assign(tokens.begin(), tokens.end());
  return append(sequence, prompt);
}

Status SpanEngine::append(SequenceId sequence, const Prompt& prompt) {
  const StatePtr target = state(sequence);
  MELETE_CHECK(!target->running, "append to running sequence ", sequence);
  if (prompt.tokens.empty()) return ok_status();
  if (!target->pending) return extend(*target, prompt);
  Prompt whole = prompt;
  whole.tokens.insert(whole.tokens.begin(), *target->pending);
  for (MediaSpan& span : whole.spans) ++span.begin;
  return extend(*target, whole);
}

void SpanEngine::start(SequenceId sequence, const Sampling& sampling, TokenSink sink) {
  State& s = *state(sequence);
  MELETE_CHECK(!s.running, "sequence ", sequence, " runs already");
  s.running = true;
  ++s.run;
  s.num_emitted = 0;
  s.sampling = sampling;
  s.constraint = sampling.constraint ? sampling.constraint->clone() : nullptr;
  s.sink = std::move(sink);
  s.failure.clear();
  if (sampling.max_tokens <= 0) finish(s, FinishReason::length);
}

void SpanEngine::finish(State& state, FinishReason reason) {
  state.running = false;
  state.reason = reason;
  state.sink = nullptr;
}

// One decoder pass over every running sequence's last sampled token.
void SpanEngine::decode_pending() {
  std::vector<State*> states;
  std::vector<BatchPart> parts;
  std::vector<int32_t> ids;
  for (const auto& [id, state] : sequences_) {
    if (!state->running || !state->pending) continue;
    if (state->kv.length() >= context_length()) {
      finish(*state, FinishReason::length);
    } else if (!state->kv.reserve(1).ok()) {
      finish(*state, FinishReason::exhausted);
    } else {
      states.push_back(state.get());
      parts.push_back({&state->kv, 1});
      ids.push_back(*state->pending);
    }
  }
  if (states.empty()) return;
  SpanOps ops(*pool_, arena_, parts);
  const Tensor logits = decoder_->logits(ops, decoder_->layers(ops, decoder_->embed(ops, ids)));
  for (size_t i = 0; i < states.size(); ++i) {
    const float* row = logits.row(static_cast<int64_t>(i));
    states[i]->logits.assign(row, row + logits.width());
    states[i]->pending.reset();
    states[i]->kv.advance(1);
  }
}

// False, with the run ended, if the constraint allows nothing or throws.
bool SpanEngine::draw_token(State& s, SampledToken& token) {
  try {
    std::span<const uint32_t> mask;
    if (s.constraint) mask = s.constraint->mask();
    if (!s.constraint || !mask.empty()) token = sampler_.sample(s.logits, s.sampling, s.num_sampled, mask);
    if (s.constraint && token.id != kNoToken) s.constraint->accept(token.id);
  } catch (const std::exception& e) {
    finish(s, FinishReason::failed);
    s.failure = cat("the constraint threw: ", e.what());
    return false;
  }
  if (token.id == kNoToken) finish(s, FinishReason::blocked);
  return token.id != kNoToken;
}

// Samples, tells the sink, and ends the run where it must end. The sink may have done anything meanwhile.
void SpanEngine::sample_one(State& s) {
  SampledToken token;
  token.id = kNoToken;
  if (!draw_token(s, token)) return;
  ++s.num_sampled;
  ++s.num_emitted;
  s.pending = token.id;
  const int64_t run = s.run;
  // Outside of the state while it runs, since the sink may start the sequence anew with another sink.
  TokenSink sink = std::move(s.sink);
  bool wants_more = false;
  std::string failure;
  try {
    wants_more = sink(token);
  } catch (const std::exception& e) {
    failure = cat("the token sink threw: ", e.what());
  } catch (...) {
    failure = "the token sink threw something that is no std::exception";
  }
  if (!s.running || s.run != run) return;
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
  decode_pending();
  std::vector<StatePtr> running;  // sinks may release sequences
  for (const auto& [id, state] : sequences_) {
    if (state->running) running.push_back(state);
  }
  for (const StatePtr& state : running) {
    // A sink may have started it anew, with other tokens before it: then it has had no decoder pass yet.
    if (state->running && !state->pending) sample_one(*state);
  }
  return std::any_of(sequences_.begin(), sequences_.end(),
                     [](const auto& entry) { return entry.second->running; });
}

bool SpanEngine::is_running(SequenceId sequence) const { return state(sequence)->running; }

FinishReason SpanEngine::finish_reason(SequenceId sequence) const { return state(sequence)->reason; }

std::string SpanEngine::failure(SequenceId sequence) const { return state(sequence)->failure; }

std::shared_ptr<const TokenConstraint> SpanEngine::constraint(SequenceId sequence) const {
  const auto& held = state(sequence)->constraint;
  return held ? std::shared_ptr<const TokenConstraint>(held->clone()) : nullptr;
}

void SpanEngine::cancel(SequenceId sequence) {
  State& s = *state(sequence);
  if (s.running) finish(s, FinishReason::cancelled);
}

void SpanEngine::release(SequenceId sequence) {
  const StatePtr held = state(sequence);
  if (held->running) finish(*held, FinishReason::cancelled);
  sequences_.erase(sequence);
}

int64_t SpanEngine::length(SequenceId sequence) const {
  const StatePtr& s = state(sequence);
  return s->kv.length() + (s->pending ? 1 : 0);
}

Result<std::vector<float>> SpanEngine::logits(const Prompt& prompt) {
  KvSequence kv(kv_);
  std::vector<float> all;
  MELETE_RETURN_IF_ERROR(run_prompt(kv, prompt, [&](SpanOps& ops, const Tensor& hidden, bool) {
    const Tensor y = decoder_->logits(ops, hidden);
    all.insert(all.end(), y.values().begin(), y.values().end());
  }));
  return all;
}

}  // namespace melete
