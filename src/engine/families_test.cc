// The open families against transformers' logits (testdata/families), and what loading refuses.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "engine/test_models.h"
#include "kernels/cpu.h"
#include "model/safetensors.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFamilies[] = {"llama", "llama3", "qwen2", "qwen3", "gemma3", "gemma3_capped"};

fs::path family_folder(const std::string& name) {
  return fs::path(MELETE_SOURCE_DIR) / "testdata/families" / name;
}

std::vector<LogitsCase> cases_of(const SpanEngine& engine, const std::string& name) {
  ModelConfig text_only;
  text_only.text.vocab_size = engine.vocab_size();
  text_only.text.max_positions = engine.context_length();
  return read_logits_cases(family_folder(name) / "oracle.safetensors", text_only).value();
}

LogitsCase case_of(const SpanEngine& engine, const std::string& family, const std::string& name) {
  for (LogitsCase& one : cases_of(engine, family))
    if (one.name == name) return one;
  ADD_FAILURE() << name;
  return {};
}

TEST(Families, EqualTheReference) {
  for (const std::string name : kFamilies) {
    const auto engine = load_path(family_folder(name));
    const LogitsCase text = case_of(*engine, name, "text"), greedy = case_of(*engine, name, "greedy");
    const auto logits = run_logits_case(*engine, text);
    ASSERT_TRUE(logits.ok()) << name << ": " << logits.error().message;
    ASSERT_FALSE(text.expected_logits.empty());
    EXPECT_LE(largest_difference(logits->logits, text.expected_logits), 1e-4) << name;
    const auto continued = run_logits_case(*engine, greedy);
    ASSERT_TRUE(continued.ok()) << name;
    ASSERT_EQ(greedy.num_new_tokens(), 24);
    EXPECT_EQ(continued->output_ids, greedy.expected_ids) << name;
    EXPECT_EQ(engine->pages_in_use(), 0);
  }
}

TEST(Families, ChunksThreadsAndInstructionSetsGiveTheSameBits) {
  for (const std::string name : kFamilies) {
    for (const WeightType type : {WeightType::f32, WeightType::w8, WeightType::w4}) {
      const auto engine = load_path(family_folder(name), 1, type);
      const Prompt prompt = prompt_of(case_of(*engine, name, "text"));
      const auto expected = engine->logits(prompt).value();
      for (Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512}) {
        if (!machine_has(isa)) continue;
        const ScopedIsa scoped(isa);
        const auto other = load_path(family_folder(name), 3, type);
        other->set_prefill_rows(7);
        EXPECT_EQ(other->logits(prompt).value(), expected)
            << name << " " << name_of(isa) << " " << name_of(type);
      }
    }
  }
}

TEST(Families, RoundedWeightsStayNearTheReference) {
  for (const std::string name : kFamilies) {
    const auto distance = [&](WeightType type) {
      const auto engine = load_path(family_folder(name), 2, type);
      const LogitsCase text = case_of(*engine, name, "text");
      return largest_difference(run_logits_case(*engine, text)->logits, text.expected_logits);
    };
    const double w8 = distance(WeightType::w8), w4 = distance(WeightType::w4);
    EXPECT_GT(w8, 1e-4) << name;  // it is rounded
    EXPECT_LT(w8, 0.4) << name;
    EXPECT_GT(w4, w8) << name;
    EXPECT_LT(w4, 3) << name;
  }
}

}  // namespace
}  // namespace melete
