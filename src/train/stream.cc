#include "train/stream.h"

#include <chrono>
#include <cmath>

namespace melete {

std::string StreamConfig::problem() const {
  if (micro_batches < 1) return cat("micro_batches must be at least 1, got ", micro_batches);
  if (tokens_per_step < 64 * micro_batches)
    return cat("tokens_per_step must be at least 64 a micro-batch, got ", tokens_per_step, " for ",
               micro_batches);
  if (steps_per_group < 1) return cat("steps_per_group must be at least 1, got ", steps_per_group);
  if (lookahead < 1) return cat("lookahead must be at least 1, got ", lookahead);
  if (threads < 1 || threads > 64) return cat("threads must be 1 to 64, got ", threads);
  if (!(fill > 0 && fill <= 1)) return cat("fill must be above 0 and at most 1, got ", fill);
  return {};
}

namespace {

Result<std::vector<Document>> draw_documents(const DocumentMaker& maker, const StreamConfig& config,
                                             uint64_t seed, int64_t group, const OpenLevels& open) {
  const double wanted = config.fill * static_cast<double>(config.tokens_per_step * config.steps_per_group);
  std::vector<Document> documents;
  double tokens = 0;
  for (uint64_t i = 0;; ++i) {
    const uint64_t document_seed = mix_seed(mix_seed(seed, static_cast<uint64_t>(group)), i);
    MELETE_ASSIGN_OR_RETURN(Document document, maker.make(document_seed, open, config.micro_batch_tokens()));
    tokens += static_cast<double>(document.num_tokens());
    if (tokens > wanted && !documents.empty()) return documents;
    documents.push_back(std::move(document));
  }
}

// Each document's loss weight before division by the number of steps: its family's factor, and within the
// family in proportion to (number of targets)^length_power, so that a family keeps its share whatever the
// lengths.
std::vector<double> document_weights(const DocumentMaker& maker, const std::vector<Document>& documents) {
  const double power = maker.mixture().length_power;
  std::array<double, kFamilies.size()> sum{}, count{};
  std::vector<double> weights;
  for (const Document& document : documents) {
    weights.push_back(std::pow(static_cast<double>(document.target_at.size()), power));
    sum[static_cast<size_t>(document.family)] += weights.back();
    count[static_cast<size_t>(document.family)] += 1;
  }
  for (size_t i = 0; i < documents.size(); ++i) {
    const auto f = static_cast<size_t>(documents[i].family);
    weights[i] *= count[f] / sum[f] * maker.tasks()[static_cast<size_t>(documents[i].task)].loss_factor /
                  static_cast<double>(documents.size());
  }
  return weights;
}

}  // namespace

Result<std::vector<StepBatches>> make_group(const DocumentMaker& maker, const StreamConfig& config,
                                            uint64_t seed, int64_t group, const OpenLevels& open) {
  MELETE_ASSIGN_OR_RETURN(const std::vector<Document> documents,
                          draw_documents(maker, config, seed, group, open));
  std::vector<int64_t> lengths;
  for (const Document& document : documents) lengths.push_back(document.num_tokens());
  const auto num_bins = static_cast<int32_t>(config.steps_per_group * config.micro_batches);
  const std::vector<int32_t> bin_of = pack_documents(lengths, config.micro_batch_tokens(), num_bins);
  const std::vector<double> weights = document_weights(maker, documents);
  std::vector<Batch> bins(static_cast<size_t>(num_bins));
  for (size_t i = 0; i < documents.size(); ++i)
    if (bin_of[i] >= 0)
      append_document(bins[static_cast<size_t>(bin_of[i])], documents[i],
                      weights[i] * static_cast<double>(config.steps_per_group));
  Random random(seed, mix_seed(stable_hash("bins"), static_cast<uint64_t>(group)));
  random.shuffle(bins);
  std::vector<StepBatches> steps(static_cast<size_t>(config.steps_per_group));
  for (size_t b = 0; b < bins.size(); ++b)
    if (bins[b].num_tokens() > 0)
      steps[b / static_cast<size_t>(config.micro_batches)].push_back(std::move(bins[b]));
  return steps;
}

DataStream::DataStream(const DocumentMaker& maker, const StreamConfig& config, uint64_t seed,
                       int64_t first_step, std::map<int64_t, OpenLevels> snapshots)
    : maker_(maker),
      config_(config),
      seed_(seed),
      step_(first_step),
      snapshots_(std::move(snapshots)),
      next_group_(first_step / config.steps_per_group) {
  MELETE_CHECK(snapshots_.count(next_group_) && snapshots_.count(snapshot_of(next_group_)), "group ",
               next_group_);
  for (int64_t i = 0; i < config_.threads; ++i) threads_.emplace_back([this] { work(); });
}

DataStream::~DataStream() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void DataStream::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stopping_ || snapshots_.count(snapshot_of(next_group_)) > 0; });
    if (stopping_) return;
    const int64_t group = next_group_++;
    const OpenLevels open = snapshots_.at(snapshot_of(group));
    lock.unlock();
    Made made;
    try {
      made.batches = make_group(maker_, config_, seed_, group, open);
    } catch (const Bug&) {
      made.bug = std::current_exception();
    }
    lock.lock();
    made_[group] = std::move(made);
    changed_.notify_all();
  }
}

Result<StepBatches> DataStream::next() {
  const int64_t group = step_ / config_.steps_per_group;
  const auto index = static_cast<size_t>(step_ % config_.steps_per_group);
  const auto start = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return made_.count(group) > 0; });
  waited_s_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  Made& made = made_.at(group);
  if (made.bug) std::rethrow_exception(made.bug);
  if (!made.batches->ok()) return made.batches->error();
  StepBatches batches = std::move(made.batches->value()[index]);
  ++step_;
  if (static_cast<int64_t>(index) + 1 == config_.steps_per_group) made_.erase(group);
  return batches;
}

void DataStream::publish(int64_t group, const OpenLevels& open) {
  {
    const std::lock_guard lock(mutex_);
    snapshots_[group] = open;
    // A resumed run regenerates the current group, whose snapshot is `lookahead` groups back.
    snapshots_.erase(snapshots_.begin(), snapshots_.lower_bound(snapshot_of(group)));
  }
  changed_.notify_all();
}

std::map<int64_t, OpenLevels> DataStream::snapshots() const {
  const std::lock_guard lock(mutex_);
  return snapshots_;
}

}  // namespace melete
