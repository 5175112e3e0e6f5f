// The oracle's models, prompts and runs that the engine's tests share.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "engine/case_prompt.h"
#include "engine/families/family.h"
#include "engine/span_engine.h"
#include "model/checkpoint.h"

namespace melete {

inline constexpr const char* kModels[] = {"dense", "sparse", "glimmer"};

inline std::filesystem::path folder(const std::string& model) {
  return std::filesystem::path(MELETE_SOURCE_DIR) / "testdata/oracle" / model;
}

// An engine of any folder or file.
inline std::unique_ptr<SpanEngine> load_path(const std::filesystem::path& path, int threads = 2,
                                             WeightType weights = WeightType::automatic,
                                             int64_t max_kv_bytes = int64_t{1} << 30) {
  auto pool = std::make_unique<ThreadPool>(threads);
  LoadOptions options;
  options.weights = weights;
  auto decoder = load_decoder(path, options, *pool);
  EXPECT_TRUE(decoder.ok()) << (decoder.ok() ? "" : decoder.error().message);
  EngineLimits limits;
  limits.max_kv_bytes = max_kv_bytes;
  return std::make_unique<SpanEngine>(std::move(pool), std::move(decoder).value(), limits);
}

inline std::unique_ptr<SpanEngine> load(const std::string& model, int threads = 2,
                                        int64_t max_kv_bytes = int64_t{1} << 30) {
  return load_path(folder(model), threads, WeightType::automatic, max_kv_bytes);
}

inline std::vector<LogitsCase> cases_of(const std::string& model) {
  auto checkpoint = open_checkpoint(folder(model));
  EXPECT_TRUE(checkpoint.ok());
  auto cases = read_logits_cases(folder(model) / "oracle.safetensors", checkpoint->config);
  EXPECT_TRUE(cases.ok());
  return std::move(cases).value();
}

inline Prompt case_prompt(const std::string& model, const std::string& name) {
  for (const LogitsCase& c : cases_of(model)) {
    if (c.name == name) return prompt_of(c);
  }
  ADD_FAILURE() << "no case " << name;
  return {};
}

inline Prompt text_prompt(int64_t length, uint64_t seed) {
  Random random(seed);
  Prompt prompt;
  for (int64_t i = 0; i < length; ++i) prompt.tokens.push_back(static_cast<int32_t>(random.integer(3, 120)));
  return prompt;
}

inline Sampling hot(uint64_t seed, int64_t max_tokens, uint64_t stream = 0) {
  Sampling s;
  s.temperature = 1.0;
  s.seed = seed;
  s.stream = stream;
  s.max_tokens = max_tokens;
  return s;
}

using Tokens = std::vector<std::pair<int32_t, float>>;  // id and log-prob

inline TokenSink into(Tokens& tokens) {
  return [&tokens](const SampledToken& t) {
    tokens.emplace_back(t.id, t.log_prob);
    return true;
  };
}

inline void run_all(Engine& engine) {
  while (engine.step()) {
  }
}

inline Tokens alone(const Prompt& prompt, const Sampling& sampling, const std::string& model = "dense") {
  const auto engine = load(model, 1);
  Tokens tokens;
  engine->start(engine->prefill(prompt).value(), sampling, into(tokens));
  run_all(*engine);
  return tokens;
}

}  // namespace melete
