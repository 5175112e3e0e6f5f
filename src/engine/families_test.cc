// The open families against transformers' logits (testdata/families), and what loading refuses.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>

#include "base/file.h"
#include "base/json.h"
#include "engine/memory.h"
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
    for (const WeightType type : {WeightType::f32, WeightType::w8, WeightType::w8a8, WeightType::w4}) {
      const auto engine = load_path(family_folder(name), 1, type);
      const Prompt prompt = prompt_of(case_of(*engine, name, "text"));
      const auto expected = engine->logits(prompt).value();
      for (Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::avx512_vnni}) {
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
    EXPECT_GT(distance(WeightType::w8a8), w8) << name;
    EXPECT_GT(w4, w8) << name;
    EXPECT_LT(w4, 3) << name;
  }
}

// A copy of a fixture with its config changed.
fs::path changed_folder(const std::string& family, const std::function<void(Json&)>& change) {
  const fs::path to = fs::path(testing::TempDir()) / "melete_changed";
  fs::create_directories(to);
  fs::copy_file(family_folder(family) / "model.safetensors", to / "model.safetensors",
                fs::copy_options::overwrite_existing);
  Json config = Json::parse(read_file(family_folder(family) / "config.json").value());
  change(config);
  EXPECT_TRUE(write_file(to / "config.json", config.dump()).ok());
  return to;
}

// The message of an error, or "loaded".
std::string refusal(const fs::path& path, const LoadOptions& options = {}) {
  ThreadPool pool(2);
  const auto decoder = load_decoder(path, options, pool);
  return decoder.ok() ? "loaded" : decoder.error().message;
}

void expect_part(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text << "\nwithout: " << part;
}

TEST(Families, ABadConfigIsRefusedByItsField) {
  const auto with = [](const std::string& family, const char* name, const Json& value) {
    return refusal(changed_folder(family, [&](Json& config) { config[name] = value; }));
  };
  expect_part(with("llama", "model_type", "mamba"),
              "model_type must be of a supported family (gemma3, llama, muse_glimmer, muse_spark, qwen2, "
              "qwen3), got");
  expect_part(with("llama", "model_type", 5), "got none");
  expect_part(with("llama", "hidden_size", nullptr), "hidden_size must be given");
  expect_part(with("llama", "hidden_size", -1), "hidden_size must be between 1 and");
  expect_part(with("llama", "num_hidden_layers", int64_t{1} << 40), "num_hidden_layers must be 1 to 1024");
  expect_part(with("llama", "num_key_value_heads", 3),
              "num_key_value_heads must divide num_attention_heads=4");
  expect_part(with("llama", "head_dim", 7), "head_dim must be even");
  expect_part(with("llama", "hidden_act", "relu"), "hidden_act must be absent or \"silu\", got \"relu\"");
  expect_part(with("llama", "rope_parameters", {{"rope_type", "yarn"}, {"factor", 2.0}}),
              "rope_parameters.rope_type must be \"default\", \"linear\" or \"llama3\", got \"yarn\"");
  expect_part(with("llama", "rope_parameters", 3), "rope_parameters must be an object");
  expect_part(with("qwen2", "layer_types", Json::array({"full_attention"})),
              "layer_types must be one entry a layer");
  expect_part(with("gemma3", "query_pre_attn_scalar", 0), "query_pre_attn_scalar must be above 0");
  expect_part(with("gemma3", "sliding_window", -4), "sliding_window must be between 0 and");
  expect_part(with("llama", "vocab_size", 65),
              "'model.embed_tokens.weight' has shape [64, 32] instead of [65, 32]");
  expect_part(with("llama", "num_hidden_layers", 3), "'model.layers.2.input_layernorm.weight' is missing");
  expect_part(with("llama", "num_hidden_layers", 1), "got also 'model.layers.1.");
  expect_part(with("llama", "tie_word_embeddings", false), "'lm_head.weight' is missing");
  expect_part(with("qwen3", "model_type", "llama"), "self_attn.k_norm.weight'");
}

TEST(Families, OlderConfigsSayTheSame) {
  const auto engine = load_path(family_folder("llama3"));
  const Prompt prompt = prompt_of(case_of(*engine, "llama3", "text"));
  const fs::path older = changed_folder("llama3", [](Json& config) {
    Json scaling = config["rope_parameters"];
    config["rope_theta"] = scaling["rope_theta"];
    scaling.erase("rope_theta");
    config["rope_scaling"] = scaling;
    config.erase("rope_parameters");
    config.erase("head_dim");
  });
  EXPECT_EQ(load_path(older)->logits(prompt).value(), engine->logits(prompt).value());

  const auto gemma = load_path(family_folder("gemma3"));
  const fs::path older_gemma = changed_folder("gemma3", [](Json& config) {
    config["rope_theta"] = 1e6;
    config["rope_local_base_freq"] = 1e4;
    config["rope_scaling"] = {{"rope_type", "linear"}, {"factor", 8.0}};
    config["sliding_window_pattern"] = 3;
    for (const char* name : {"rope_parameters", "layer_types", "_sliding_window_pattern"}) config.erase(name);
  });
  EXPECT_EQ(load_path(older_gemma)->logits(prompt).value(), gemma->logits(prompt).value());
}

TEST(Families, AModelLargerThanMemoryIsRefusedWithTheSizes) {
  LoadOptions options;
  options.available_bytes = 60 << 10;
  expect_part(refusal(family_folder("qwen2"), options), "must fit the memory that is free, got 0.1");
  expect_part(refusal(family_folder("qwen2"), options), "needed and 0.06 MiB free");
  options.weights = WeightType::w4;
  EXPECT_EQ(refusal(family_folder("qwen2"), options), "loaded");
}

TEST(Families, ANumberThatIsNotFiniteIsRefusedInEveryForm) {
  std::string bytes = read_file(family_folder("llama") / "model.safetensors").value();
  const auto file = TensorFile::parse(bytes, "llama").value();
  const TensorView& view = *file.find("model.layers.1.mlp.up_proj.weight");
  const float infinity = INFINITY;
  std::memcpy(bytes.data() + (view.bytes.data() - reinterpret_cast<const std::byte*>(bytes.data())) + 400,
              &infinity, sizeof infinity);
  const fs::path folder = changed_folder("llama", [](Json&) {});
  ASSERT_TRUE(write_file(folder / "model.safetensors", bytes).ok());
  for (const WeightType type :
       {WeightType::f32, WeightType::bf16, WeightType::w8, WeightType::w8a8, WeightType::w4}) {
    LoadOptions options;
    options.weights = type;
    expect_part(refusal(folder, options), "model.layers.1.mlp.up_proj.weight must hold finite numbers");
  }
}

TEST(Memory, TheTightestLimitCounts) {
  const fs::path root = fs::path(testing::TempDir()) / "melete_memory";
  const auto put = [&](const char* name, const std::string& text) {
    ASSERT_TRUE(write_file(root / name, text).ok());
  };
  fs::remove_all(root);
  EXPECT_EQ(available_memory(root), INT64_MAX);
  put("proc/meminfo", "MemTotal: 9000 kB\nMemAvailable:   8000 kB\n");
  EXPECT_EQ(available_memory(root), 8000 * 1024);
  put("proc/self/cgroup", "0::/a/b\n");
  put("sys/fs/cgroup/a/b/memory.max", "max\n");
  put("sys/fs/cgroup/a/memory.max", "5000000\n");
  put("sys/fs/cgroup/a/memory.current", "3000000\n");
  put("sys/fs/cgroup/a/memory.stat", "anon 10\ninactive_file 500000\nactive_file 7\n");
  EXPECT_EQ(available_memory(root), 2500000);
  put("proc/self/cgroup", "4:memory:/x\n");
  put("sys/fs/cgroup/memory/x/memory.limit_in_bytes", "1000000\n");
  put("sys/fs/cgroup/memory/x/memory.usage_in_bytes", "1600000\n");
  EXPECT_EQ(available_memory(root), 0);
}

}  // namespace
}  // namespace melete
