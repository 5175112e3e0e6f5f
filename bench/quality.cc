// how far 8-bit and 4-bit weights change a model's predictions of a fixed text, against float32
//
// usage: bench_quality [MODEL]... (the shipped melete-nano and the models' folder's smollm2 if none is
// given). The text is the beginning of "Alice's Adventures in Wonderland" (Lewis Carroll, 1865). For each
// position the distribution of the next token is compared: mean Kullback-Leibler divergence from float32
// weights, which hold the file's own numbers exactly, and how often the likeliest token is the same. Targets:
// W8 KL <= 0.01 and 98.5 % the same (w8a8, with activations of 8 bits: KL alone), W4 KL <= 0.05. Exit status
// 1: a target is missed.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "agent/model_text.h"
#include "base/file.h"
#include "catalogue/models_folder.h"
#include "engine/engine.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMaxTokens = 1024;

struct Target {
  WeightType type;
  double most_divergence, least_agreement;
};
constexpr Target kTargets[] = {
    {WeightType::w8, 0.01, 0.985}, {WeightType::w8a8, 0.01, 0}, {WeightType::w4, 0.05, 0}};

Result<std::vector<float>> logits_of(const fs::path& model, WeightType type, const Prompt& prompt) {
  MELETE_ASSIGN_OR_RETURN(const auto engine, Engine::load(model, 0, int64_t{2} << 30, type));
  return engine->logits(prompt);
}

// log of the sum of exponentials.
double log_total(std::span<const float> row) {
  const double top = *std::max_element(row.begin(), row.end());
  double sum = 0;
  for (const float x : row) sum += std::exp(x - top);
  return top + std::log(sum);
}

double divergence(std::span<const float> exact, std::span<const float> rounded) {
  const double a = log_total(exact), b = log_total(rounded);
  double sum = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    const double log_p = exact[i] - a;
    sum += std::exp(log_p) * (log_p - (rounded[i] - b));
  }
  return sum;
}

size_t likeliest(std::span<const float> row) {
  return static_cast<size_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

// Prints one row; whether the target is met.
bool compare(const Target& target, const std::vector<float>& exact, const std::vector<float>& rounded,
             size_t positions) {
  const size_t vocab = exact.size() / positions;
  double sum = 0, same = 0;
  for (size_t i = 0; i < positions; ++i) {
    const auto a = std::span(exact).subspan(i * vocab, vocab),
               b = std::span(rounded).subspan(i * vocab, vocab);
    sum += divergence(a, b);
    same += likeliest(a) == likeliest(b) ? 1 : 0;
  }
  const double mean = sum / static_cast<double>(positions), share = same / static_cast<double>(positions);
  const bool met = mean <= target.most_divergence && share >= target.least_agreement;
  std::printf("  %s  KL %.5f (<= %.2f)  the same likeliest token %.2f %%", name_of(target.type), mean,
              target.most_divergence, 100 * share);
  if (target.least_agreement > 0) std::printf(" (>= %.1f %%)", 100 * target.least_agreement);
  std::printf("  %s\n", met ? "met" : "MISSED");
  std::fflush(stdout);
  return met;
}

Result<bool> measure(const fs::path& model, std::string_view text) {
  MELETE_ASSIGN_OR_RETURN(const ModelText words, load_model_text(model));
  Prompt prompt;
  prompt.tokens = words.tokenizer->encode(text);
  if (words.chat.bos >= 0) prompt.tokens.insert(prompt.tokens.begin(), words.chat.bos);
  prompt.tokens.resize(std::min<size_t>(prompt.tokens.size(), kMaxTokens));
  std::printf("%s, %zu tokens\n", model.filename().c_str(), prompt.tokens.size());
  MELETE_ASSIGN_OR_RETURN(const auto exact, logits_of(model, WeightType::f32, prompt));
  bool met = true;
  for (const Target& target : kTargets) {
    MELETE_ASSIGN_OR_RETURN(const auto rounded, logits_of(model, target.type, prompt));
    met = compare(target, exact, rounded, prompt.tokens.size()) && met;
  }
  return met;
}

Result<bool> run(std::vector<fs::path> models) {
  if (models.empty()) {
    models.emplace_back("models/melete-nano");
    MELETE_ASSIGN_OR_RETURN(const ModelsFolder folder, ModelsFolder::at(""));
    if (const auto found = folder.find("smollm2"); found.ok())
      models.push_back(found->path);
    else
      std::printf("smollm2 isn't on this machine: skipped; `melete models get smollm2` fetches it\n");
  }
  MELETE_ASSIGN_OR_RETURN(const std::string text, read_file("testdata/text/alice.txt", 1 << 20));
  bool met = true;
  for (const fs::path& model : models) {
    MELETE_ASSIGN_OR_RETURN(const bool one, measure(model, text));
    met = met && one;
  }
  return met;
}

}  // namespace
}  // namespace melete

int main(int argc, char** argv) {
  const auto met = melete::run({argv + 1, argv + argc});
  if (!met.ok()) std::fprintf(stderr, "%s\n", met.error().message.c_str());
  return met.ok() && *met ? 0 : 1;
}
