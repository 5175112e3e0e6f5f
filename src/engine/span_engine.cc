#include "engine/span_engine.h"

#include <algorithm>

#include "engine/families/family.h"
#include "engine/prompt_cache_file.h"
#include "media/hash.h"

namespace melete {
namespace {

KvLayout layout_of(const DecoderShape& shape, std::optional<KvType> type) {
  std::vector<int64_t> windows;
  for (const LayerShape& layer : shape.layers) windows.push_back(layer.window);
  return KvLayout(shape.layers.at(0).heads, type.value_or(shape.kv_type), windows);
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::load(const std::filesystem::path& model, int num_threads,
                                             int64_t max_kv_bytes, WeightType weights) {
  EngineLimits limits;
  limits.max_kv_bytes = max_kv_bytes;
  limits.max_draft = NgramDrafter::kMaxDraft;
  MELETE_ASSIGN_OR_RETURN(auto engine, SpanEngine::load(model, num_threads, limits, weights));
  return std::unique_ptr<Engine>(std::move(engine));
}

Status Engine::save_prompts(const std::filesystem::path& file) {
  return invalid_argument("[", file.string(),
                          "] must be asked of an engine that remembers prompts, got another");
}

Result<int64_t> Engine::load_prompts(const std::filesystem::path& file) { return save_prompts(file).error(); }

Result<std::unique_ptr<SpanEngine>> SpanEngine::load(const std::filesystem::path& model, int num_threads,
                                                     const EngineLimits& limits, WeightType weights) {
  auto pool = std::make_unique<ThreadPool>(num_threads);
  LoadOptions options;
  options.weights = weights;
  std::unique_ptr<PackedCache> packed;
  if (auto folder = default_packed_folder()) packed = std::make_unique<PackedCache>(*std::move(folder));
  options.packed = packed.get();
  MELETE_ASSIGN_OR_RETURN(auto decoder, load_decoder(model, options, *pool));
  auto engine = std::make_unique<SpanEngine>(std::move(pool), std::move(decoder), limits);
  engine->identity_ = files_identity(model);
  engine->packed_ = std::move(packed);
  return engine;
}

SpanEngine::SpanEngine(std::unique_ptr<ThreadPool> pool, std::unique_ptr<Decoder> decoder,
                       const EngineLimits& limits)
    : limits_(limits),
      pool_(std::move(pool)),
      decoder_(std::move(decoder)),
      kv_(layout_of(decoder_->shape(), limits.kv_type), limits.max_kv_bytes),
      cache_(kv_, std::min(limits.max_cached_bytes, limits.max_kv_bytes)),
      towers_(*decoder_, *pool_, arena_),
      scheduler_(limits.max_queued) {}

SpanEngine::~SpanEngine() = default;

const SpanEngine::StatePtr& SpanEngine::state(SequenceId sequence) const {
  const auto found = sequences_.find(sequence);
  MELETE_CHECK(found != sequences_.end(), "no sequence ", sequence);
  return found->second;
}

SpanEngine::StatePtr SpanEngine::add(KvSequence kv) {
  auto state = std::make_shared<State>(next_id_, std::move(kv));
  sequences_.emplace(next_id_++, state);
  return state;
}

Result<SequenceId> SpanEngine::prefill(const Prompt& prompt) {
  MELETE_RETURN_IF_ERROR(check_new(prompt, 0));
  State fresh(0, KvSequence(kv_));
  auto work = make_prefill(fresh, prompt);
  take_up(*work);
  MELETE_RETURN_IF_ERROR(compute_alone(fresh, *work));
  const StatePtr state = add(std::move(fresh.kv));
  state->keys = std::move(fresh.keys);
  state->logits = std::move(fresh.logits);
  state->logits_row = fresh.logits_row;
  state->found = fresh.found;
  return state->id;
}

Result<SequenceId> SpanEngine::enqueue(Prompt prompt, const QueuePlace& place) {
  const StatePtr state = add(KvSequence(kv_));
  const Status status = enqueue(state->id, std::move(prompt), place);
  if (status.ok()) return state->id;
  sequences_.erase(state->id);
  return status.error();
}

Status SpanEngine::enqueue(SequenceId sequence, Prompt prompt, const QueuePlace& place) {
  const StatePtr target = state(sequence);
  if (target->prefill || target->running)
    return invalid_argument(
        "[engine] a sequence must be at rest to take a prompt, got one that is busy; "
        "wait for it or cancel it");
  MELETE_RETURN_IF_ERROR(check_new(prompt, length(sequence)));
  auto work = make_prefill(*target, std::move(prompt));
  const int64_t needed = bytes_for(work->total());
  if (needed > kv_.max_bytes())
    return exhausted("[engine] a prompt's keys and values must fit the cache of ", kv_.max_bytes() >> 20,
                     " MiB, got a need of ", needed >> 20, " MiB; shorten it or allow the cache more memory");
  MELETE_RETURN_IF_ERROR(scheduler_.push(sequence, place, work->left()));
  work->place = place;
  target->failure.clear();
  target->prefill = std::move(work);
  return ok_status();
}

Result<std::vector<SequenceId>> SpanEngine::fork(SequenceId sequence, int count) {
  const StatePtr parent = state(sequence);
  if (parent->prefill || parent->kv.length() == 0)
    return invalid_argument("[engine] a sequence's prompt must be computed before it is forked; wait for it");
  std::vector<SequenceId> children;
  for (int i = 0; i < count; ++i) {
    const StatePtr child = add(parent->kv.fork());
    child->keys = parent->keys;
    child->logits = parent->logits;
    child->logits_row = parent->logits_row;
    child->pending = parent->pending;
    child->num_sampled = parent->num_sampled;
    child->counts = parent->counts;
    if (parent->constraint) child->constraint = parent->constraint->clone();
    children.push_back(child->id);
  }
  return children;
}

Status SpanEngine::append(SequenceId sequence, const Prompt& prompt) {
  const StatePtr target = state(sequence);
  MELETE_CHECK(!target->running && !target->prefill, "append to busy sequence ", sequence);
  if (prompt.tokens.empty()) return ok_status();
  MELETE_RETURN_IF_ERROR(check_new(prompt, length(sequence)));
  return compute_alone(*target, *make_prefill(*target, prompt));
}

void SpanEngine::start(SequenceId sequence, const Sampling& sampling, TokenSink sink) {
  const StatePtr& held = state(sequence);
  State& s = *held;
  MELETE_CHECK(!s.running, "sequence ", sequence, " runs already");
  s.running = true;
  s.held = false;
  ++s.run;
  s.num_emitted = 0;
  s.sampling = sampling;
  s.constraint = sampling.constraint ? sampling.constraint->clone() : nullptr;
  s.sink = std::move(sink);
  const bool was_refused = !s.prefill && s.kv.length() == 0;
  if (!was_refused) s.failure.clear();
  if (was_refused) return finish(s, FinishReason::exhausted);
  if (sampling.max_tokens <= 0) return finish(s, FinishReason::length);
  const auto at = std::lower_bound(running_.begin(), running_.end(), s.id,
                                   [](const StatePtr& a, SequenceId id) { return a->id < id; });
  if (at == running_.end() || *at != held) running_.insert(at, held);
}

void SpanEngine::finish(State& state, FinishReason reason) {
  state.running = false;
  state.reason = reason;
  state.sink = nullptr;
  note_change(state);
}

bool SpanEngine::is_running(SequenceId sequence) const { return state(sequence)->running; }

FinishReason SpanEngine::finish_reason(SequenceId sequence) const { return state(sequence)->reason; }

std::string SpanEngine::failure(SequenceId sequence) const { return state(sequence)->failure; }

std::shared_ptr<const TokenConstraint> SpanEngine::constraint(SequenceId sequence) const {
  const auto& held = state(sequence)->constraint;
  return held ? std::shared_ptr<const TokenConstraint>(held->clone()) : nullptr;
}

SequencePhase SpanEngine::phase(SequenceId sequence) const {
  const State& s = *state(sequence);
  if (s.prefill) return scheduler_.is_admitted(sequence) ? SequencePhase::prefilling : SequencePhase::queued;
  if (s.running) return SequencePhase::running;
  return s.kv.length() == 0 ? SequencePhase::refused : SequencePhase::ready;
}

void SpanEngine::cancel(SequenceId sequence) {
  State& s = *state(sequence);
  if (s.prefill) {
    scheduler_.remove(sequence);
    std::erase_if(prefilling_, [&](const StatePtr& p) { return p->id == sequence; });
    s.prefill.reset();
    s.failure = "cancelled before its prompt was computed";
  }
  if (s.running) finish(s, FinishReason::cancelled);
}

void SpanEngine::release(SequenceId sequence) {
  const StatePtr held = state(sequence);
  cancel(sequence);
  // The conversation's next turn may begin with all of this one.
  const bool ended_itself = held->reason == FinishReason::stop || held->reason == FinishReason::length;
  if (ended_itself && held->num_emitted > 0) cache_.insert(held->kv, held->keys, true);
  sequences_.erase(sequence);
  std::erase(running_, held);
  // A step that is under way may hold the state on.
  held->kv = KvSequence(kv_);
  held->logits = Tensor();
}

int64_t SpanEngine::length(SequenceId sequence) const {
  const StatePtr& s = state(sequence);
  return s->kv.length() + (s->pending ? 1 : 0);
}

// Every position's row, in chunks; nothing of it is kept.
Status SpanEngine::compute_apart(const Prompt& prompt, SeeHidden see) {
  MELETE_RETURN_IF_ERROR(check_new(prompt, 0));
  const auto fresh = std::make_shared<State>(0, KvSequence(kv_));
  const auto work = make_prefill(*fresh, prompt);
  while (work->left() > 0) {
    const Part part{fresh, work.get(), next_rows(*work, limits_.rows_alone)};
    MELETE_RETURN_IF_ERROR(work->kv.reserve(part.count));
    const BatchPart batch{&work->kv, part.count};
    SpanOps ops(*pool_, arena_, std::span(&batch, 1));
    see(ops, forward(ops, std::span(&part, 1)));
    work->kv.advance(part.count);
  }
  return ok_status();
}

Result<std::vector<float>> SpanEngine::logits(const Prompt& prompt) {
  std::vector<float> all;
  MELETE_RETURN_IF_ERROR(compute_apart(prompt, [&](SpanOps& ops, const Tensor& hidden) {
    const Tensor y = decoder_->logits(ops, hidden);
    all.insert(all.end(), y.values().begin(), y.values().end());
  }));
  return all;
}

Result<std::vector<float>> SpanEngine::mean_hidden(const Prompt& prompt) {
  std::vector<double> sum(static_cast<size_t>(decoder_->shape().width));
  MELETE_RETURN_IF_ERROR(compute_apart(prompt, [&](SpanOps&, const Tensor& hidden) {
    for (int64_t row = 0; row < hidden.rows(); ++row)
      for (size_t i = 0; i < sum.size(); ++i) sum[i] += static_cast<double>(hidden.row(row)[i]);
  }));
  std::vector<float> mean;
  for (const double x : sum)
    mean.push_back(static_cast<float>(x / static_cast<double>(prompt.tokens.size())));
  return mean;
}

void SpanEngine::set_prefill_rows(int64_t rows) { limits_.rows_alone = limits_.rows_per_step = rows; }

EngineMetrics SpanEngine::metrics() const {
  EngineMetrics m;
  m.queued = scheduler_.num_waiting();
  m.prefilling = std::ssize(prefilling_);
  m.running = std::count_if(running_.begin(), running_.end(),
                            [](const StatePtr& s) { return s->running && !s->prefill; });
  m.sequences = std::ssize(sequences_);
  m.refused = num_refused_;
  m.yielded = num_yielded_;
  m.pages = pages_in_use();
  m.bytes = kv_.bytes_in_use() - kv_.cached_bytes();
  m.cached_pages = kv_.cached_pages();
  m.cached_bytes = kv_.cached_bytes();
  m.max_bytes = kv_.max_bytes();
  m.evicted_nodes = cache_.statistics().evicted_nodes;
  m.asked_tokens = asked_tokens_;
  m.found_tokens = found_tokens_;
  recorder_.report(m);
  return m;
}

// The weights' files, and what the model computes for a few tokens: keys and values of other weights, of
// other weight types or of kernels with other bits are of no use.
std::string SpanEngine::fingerprint() {
  Prompt probe;
  for (int64_t i = 0; i < 24; ++i)
    probe.tokens.push_back(static_cast<int32_t>((i * 7919 + 3) % vocab_size()));
  const auto result = logits(probe);
  if (!result.ok()) return identity_;
  const auto bytes =
      std::span(reinterpret_cast<const uint8_t*>(result->data()), result->size() * sizeof(float));
  const auto hash = hash_bytes(bytes, 0);
  return identity_ + std::string(hash.begin(), hash.end());
}

Status SpanEngine::save_prompts(const std::filesystem::path& file) {
  return save_prompt_cache(file, cache_, kv_, fingerprint());
}

Result<int64_t> SpanEngine::load_prompts(const std::filesystem::path& file) {
  return load_prompt_cache(file, cache_, kv_, fingerprint());
}

}  // namespace melete
