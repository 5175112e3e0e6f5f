// GGUF files made from the families' fixtures, as llama.cpp's converter makes them, against the folders.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <numeric>

#include "base/file.h"
#include "base/json.h"
#include "engine/test_models.h"
#include "model/block_formats.h"
#include "model/gguf.h"
#include "model/gguf_writer.h"
#include "model/safetensors.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

struct Form {
  std::string folder, architecture;
  int64_t heads = 4, kv_heads = 2, head_dim = 8;
  bool rows_are_pairs = false, norms_are_offsets = false;
  std::vector<GgufField> more;  // without the architecture's name
  std::vector<float> rope_divisors;
};

fs::path temporary(const std::string& name) {
  const fs::path folder = fs::path(testing::TempDir()) / "melete_families";
  fs::create_directories(folder);
  return folder / name;
}

// "model.layers.3.self_attn.q_proj.weight" -> "blk.3.attn_q.weight"
std::string gguf_name(const std::string& name, bool has_post_norms) {
  if (name == "model.embed_tokens.weight") return "token_embd.weight";
  if (name == "model.norm.weight") return "output_norm.weight";
  if (name == "lm_head.weight") return "output.weight";
  const std::map<std::string, std::string> parts = {
      {"input_layernorm", "attn_norm"},
      {"self_attn.q_proj", "attn_q"},
      {"self_attn.k_proj", "attn_k"},
      {"self_attn.v_proj", "attn_v"},
      {"self_attn.o_proj", "attn_output"},
      {"self_attn.q_norm", "attn_q_norm"},
      {"self_attn.k_norm", "attn_k_norm"},
      {"post_attention_layernorm", has_post_norms ? "post_attention_norm" : "ffn_norm"},
      {"pre_feedforward_layernorm", "ffn_norm"},
      {"post_feedforward_layernorm", "post_ffw_norm"},
      {"mlp.gate_proj", "ffn_gate"},
      {"mlp.up_proj", "ffn_up"},
      {"mlp.down_proj", "ffn_down"}};
  const size_t layer = std::string("model.layers.").size(), dot = name.find('.', layer),
               end = name.rfind('.');
  return cat("blk.", name.substr(layer, dot - layer), ".", parts.at(name.substr(dot + 1, end - dot - 1)),
             name.substr(end));
}

// The rows of each head from halves to neighbours, as the converter of llama does.
void interleave(std::vector<float>& values, int64_t heads, int64_t head_dim) {
  const std::vector<float> old = values;
  const size_t width = values.size() / static_cast<size_t>(heads * head_dim);
  for (int64_t h = 0; h < heads; ++h)
    for (int64_t j = 0; j < head_dim / 2; ++j)
      for (int64_t s = 0; s < 2; ++s) {
        const auto from = static_cast<size_t>(h * head_dim + s * (head_dim / 2) + j),
                   to = static_cast<size_t>(h * head_dim + 2 * j + s);
        std::copy_n(old.begin() + static_cast<int64_t>(from * width), width,
                    values.begin() + static_cast<int64_t>(to * width));
      }
}

// `type` for the matrices whose rows its blocks divide, f32 for the rest.
fs::path write_form(const Form& form, DataType type, const fs::path& path) {
  const auto file = TensorFile::open(fs::path(MELETE_SOURCE_DIR) / "testdata/families" / form.folder).value();
  std::vector<GgufTensor> tensors;
  for (const auto& [name, view] : file.tensors()) {
    std::vector<float> values = file.floats(name).value();
    const bool is_norm = name.find("norm") != std::string::npos;
    if (is_norm && form.norms_are_offsets)
      for (float& v : values) v += 1;
    if (form.rows_are_pairs && name.find("q_proj") != std::string::npos)
      interleave(values, form.heads, form.head_dim);
    if (form.rows_are_pairs && name.find("k_proj") != std::string::npos)
      interleave(values, form.kv_heads, form.head_dim);
    const bool fits = view.shape.size() == 2 && view.shape[1] % block_elements(type) == 0;
    tensors.push_back({gguf_name(name, form.norms_are_offsets), fits ? type : DataType::f32, view.shape,
                       [values]() -> Result<std::vector<float>> { return values; }});
  }
  if (!form.rope_divisors.empty())
    tensors.push_back({"rope_freqs.weight",
                       DataType::f32,
                       {static_cast<int64_t>(form.rope_divisors.size())},
                       [&form]() -> Result<std::vector<float>> { return form.rope_divisors; }});
  const auto layers = static_cast<uint32_t>(std::count_if(
      tensors.begin(), tensors.end(), [](const auto& t) { return t.name.ends_with("attn_q.weight"); }));
  const std::string p = form.architecture + ".";
  std::vector<GgufField> fields = {{"general.architecture", form.architecture},
                                   {p + "block_count", layers},
                                   {p + "context_length", uint32_t{128}},
                                   {p + "embedding_length", uint32_t{32}},
                                   {p + "feed_forward_length", uint32_t{48}},
                                   {p + "attention.head_count", static_cast<uint32_t>(form.heads)},
                                   {p + "attention.head_count_kv", static_cast<uint32_t>(form.kv_heads)},
                                   {p + "attention.key_length", static_cast<uint32_t>(form.head_dim)},
                                   {p + "attention.value_length", static_cast<uint32_t>(form.head_dim)},
                                   {p + "attention.layer_norm_rms_epsilon", 1e-6f}};
  for (const GgufField& field : form.more) fields.push_back({p + field.key, field.value});
  const Status written = write_gguf(path, fields, tensors);
  EXPECT_TRUE(written.ok()) << (written.ok() ? "" : written.error().message);
  return path;
}

// Llama 3's frequencies over the plain ones, as the converter writes them.
std::vector<float> llama3_divisors() {
  std::vector<float> divisors;
  for (int j = 0; j < 8; j += 2) {
    const double wave = 2 * M_PI * std::pow(500000.0, j / 8.0), smooth = (16 / wave - 1) / (4 - 1);
    const double scale = wave < 16.0 / 4 ? 1 : wave > 16.0 ? 1.0 / 8 : (1 - smooth) / 8 + smooth;
    divisors.push_back(static_cast<float>(1 / scale));
  }
  return divisors;
}

const std::vector<Form>& forms() {
  static const std::vector<Form> all = {
      {"llama", "llama", 4, 2, 8, true, false, {{"rope.freq_base", 10000.0f}}, {}},
      {"llama3", "llama", 4, 2, 8, true, false, {{"rope.freq_base", 500000.0f}}, llama3_divisors()},
      {"qwen2", "qwen2", 4, 2, 8, false, false, {{"rope.freq_base", 1e6f}}, {}},
      {"qwen3", "qwen3", 4, 2, 16, false, false, {{"rope.freq_base", 1e6f}}, {}},
      {"gemma3",
       "gemma3",
       4,
       2,
       16,
       false,
       true,
       {{"rope.freq_base", 1e6f},
        {"rope.scaling.type", std::string("linear")},
        {"rope.scaling.factor", 8.0f},
        {"attention.sliding_window", uint32_t{6}},
        {"attention.sliding_window_pattern", uint32_t{3}}},
       {}}};
  return all;
}

// The folder with what GGUF can't say set as GGUF assumes it.
fs::path plain_folder(const Form& form) {
  const fs::path from = fs::path(MELETE_SOURCE_DIR) / "testdata/families" / form.folder,
                 to = temporary(form.folder);
  fs::create_directories(to);
  fs::copy_file(from / "model.safetensors", to / "model.safetensors", fs::copy_options::overwrite_existing);
  Json config = Json::parse(read_file(from / "config.json").value());
  if (form.folder == "gemma3") config["query_pre_attn_scalar"] = form.head_dim;
  if (form.folder == "qwen2") {
    config["use_sliding_window"] = false;
    config.erase("layer_types");
  }
  EXPECT_TRUE(write_file(to / "config.json", config.dump()).ok());
  return to;
}

TEST(FamiliesGguf, AFloatFileEqualsItsFolder) {
  const Prompt prompt = [] {
    Prompt p = text_prompt(40, 3);
    for (int32_t& id : p.tokens) id %= 64;
    return p;
  }();
  for (const Form& form : forms()) {
    const auto expected = load_path(plain_folder(form))->logits(prompt).value();
    const auto got =
        load_path(write_form(form, DataType::f32, temporary(form.folder + ".gguf")))->logits(prompt);
    ASSERT_TRUE(got.ok()) << form.folder;
    EXPECT_LE(largest_difference(*got, expected), form.folder == "llama3" ? 2e-5 : 2e-6) << form.folder;
  }
}

// Blocks are packed as they are: the numbers that the file holds, multiplied by rounded activations.
TEST(FamiliesGguf, BlocksAreTakenAsTheyAre) {
  Prompt prompt = text_prompt(20, 4);
  for (int32_t& id : prompt.tokens) id %= 64;
  for (const Form& form : forms()) {
    for (const DataType type : {DataType::q8_0, DataType::q4_0, DataType::q4_1}) {
      const fs::path path = write_form(form, type, temporary(cat(form.folder, name_of(type), ".gguf")));
      const auto as_floats = load_path(path, 2, WeightType::f32)->logits(prompt).value();
      const auto packed = load_path(path)->logits(prompt).value();
      const double difference = largest_difference(packed, as_floats);
      EXPECT_GT(difference, 1e-5) << form.folder << " " << name_of(type);  // activations are rounded
      EXPECT_LT(difference, 0.4) << form.folder << " " << name_of(type);
    }
  }
}

// Wherever its rows are taken from, a head that is the same tensor among others.
TEST(FamiliesGguf, EmbedsTheFilesNumbers) {
  ThreadPool pool(2);
  for (const Form& form : forms()) {
    if (form.folder == "gemma3") continue;  // multiplies them
    for (const DataType type : {DataType::f32, DataType::q8_0, DataType::q4_0, DataType::q4_1}) {
      const fs::path path = write_form(form, type, temporary(cat(form.folder, "_table.gguf")));
      const auto table = TensorFile::open(path).value().floats("token_embd.weight").value();
      const auto decoder = load_decoder(path, {}, pool).value();
      std::vector<int32_t> ids(static_cast<size_t>(decoder->shape().vocab_size));
      std::iota(ids.begin(), ids.end(), 0);
      Arena arena;
      SpanOps ops(pool, arena);
      const Tensor rows = decoder->embed(ops, ids);
      ASSERT_EQ(rows.size(), std::ssize(table));
      for (int64_t i = 0; i < rows.size(); ++i)
        ASSERT_EQ(rows.row(0)[i], table[static_cast<size_t>(i)])
            << form.folder << " " << name_of(type) << " at " << i;
    }
  }
}

TEST(FamiliesGguf, Bfloat16GivesTheBitsOfFloats) {
  Prompt prompt = text_prompt(20, 5);
  for (int32_t& id : prompt.tokens) id %= 64;
  for (const Form& form : forms()) {
    const fs::path path = write_form(form, DataType::bf16, temporary(form.folder + "_bf16.gguf"));
    EXPECT_EQ(load_path(path)->logits(prompt).value(),
              load_path(path, 1, WeightType::f32)->logits(prompt).value())
        << form.folder;
  }
}

TEST(FamiliesGguf, AScaleThatIsNotFiniteIsRefused) {
  ThreadPool pool(1);
  for (const DataType type : {DataType::q8_0, DataType::q4_0, DataType::q4_1}) {
    for (const char* name : {"blk.1.attn_v.weight", "token_embd.weight"}) {
      const fs::path path = write_form(forms()[0], type, temporary("not_finite.gguf"));
      std::string bytes = read_file(path).value();
      const GgufFile file = GgufFile::parse(bytes, "test").value();
      const std::byte* scale = file.tensors().find(name)->bytes.data();
      const auto at = static_cast<size_t>(scale - reinterpret_cast<const std::byte*>(bytes.data()));
      bytes.replace(at, 2, std::string("\x00\x7c", 2));  // infinity as a half
      ASSERT_TRUE(write_file(path, bytes).ok());
      const auto result = load_decoder(path, {}, pool);
      ASSERT_FALSE(result.ok()) << name << " " << name_of(type);
      EXPECT_NE(result.error().message.find(cat("tensor ", name, " must hold finite numbers")),
                std::string::npos)
          << result.error().message;
    }
  }
}

TEST(FamiliesGguf, WhatCannotBeComputedIsRefusedByName) {
  ThreadPool pool(1);
  const auto message = [&](Form form, const GgufField& field) {
    form.more.push_back(field);
    const auto result = load_decoder(write_form(form, DataType::f32, temporary("refused.gguf")), {}, pool);
    return result.ok() ? "loaded" : result.error().message;
  };
  const auto expect = [&](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  const Form llama = forms()[0], qwen3 = forms()[3];
  expect(message(llama, {"rope.scaling.type", std::string("yarn")}),
         "scaling.type must be \"none\" or \"linear\"");
  expect(message(llama, {"rope.dimension_count", uint32_t{4}}),
         "dimension_count must be the heads' width of 8, got 4");
  Form unknown = qwen3;
  unknown.architecture = "mamba";
  expect(
      message(unknown, {"a", true}),
      "must be of a supported family (gemma3, llama, muse_glimmer, muse_spark, qwen2, qwen3), got 'mamba'");
  Form without_norms = qwen3;
  without_norms.architecture = "qwen2";
  expect(message(without_norms, {"a", true}), "blk.0.attn_q.bias' is missing");
}

}  // namespace
}  // namespace melete
