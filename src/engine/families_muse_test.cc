// Muse models as GGUF with their towers against the folders they were exported from.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "base/file.h"
#include "engine/test_models.h"
#include "model/gguf_export.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

const fs::path kNano = MELETE_SOURCE_DIR "/models/melete-nano";

class MuseGgufTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / cat("muse_gguf_", ::getpid());
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // A fixture's shapes with the shipped model's vocabulary, and random weights.
  fs::path random_model(const std::string& fixture, bool all_sparse) {
    const fs::path to = folder_ / "source";
    ModelConfig config = open_checkpoint(folder(fixture)).value().config;
    config.text.vocab_size = 4096;
    config.image_token_id = 6;
    config.video_token_id = 9;
    config.audio_token_id = config.has_audio ? 13 : -1;
    if (all_sparse) config.text.is_sparse.assign(config.text.is_sparse.size(), 1);
    Random random(7);
    std::vector<std::vector<float>> values;
    std::vector<WeightValues> weights;
    for (const WeightSpec& spec : weight_specs(config)) {
      int64_t size = 1;
      for (const int64_t side : spec.shape) size *= side;
      const double scale =
          spec.shape.size() == 1 ? 0.3 : 1 / std::sqrt(static_cast<double>(size / spec.shape[0]));
      std::vector<float>& all = values.emplace_back(static_cast<size_t>(size));
      for (float& value : all) value = static_cast<float>(random.normal() * scale);
      weights.push_back({spec, all});
    }
    EXPECT_TRUE(save_weights(to, config, weights).ok());
    for (const char* name : {"tokenizer.json", "tokenizer_config.json"})
      fs::copy_file(kNano / name, to / name);
    return to;
  }

  fs::path folder_;
};

// A case of the fixture with the vocabulary's placeholders.
Prompt prompt_for(const std::string& fixture, const std::string& name) {
  Prompt prompt = case_prompt(fixture, name);
  for (int32_t& id : prompt.tokens) id = id == 150 ? 6 : id == 151 ? 9 : id == 152 ? 13 : id + 20;
  return prompt;
}

TEST_F(MuseGgufTest, EqualsItsFolder) {
  for (const auto& [fixture, all_sparse] :
       {std::pair("dense", false), {"sparse", true}, {"glimmer", false}}) {
    fs::remove_all(folder_);
    const fs::path source = random_model(fixture, all_sparse);
    const auto files = export_gguf(source, folder_ / "model.gguf", {DataType::f32, {}});
    ASSERT_TRUE(files.ok()) << files.error().message;
    const auto expected = load_path(source), got = load_path(files->model);
    const bool has_audio = std::string(fixture) != "glimmer";
    for (const char* name : {"text", "two_images", "video", has_audio ? "image_and_audio" : "image"}) {
      const Prompt prompt = prompt_for(fixture, name);
      const auto want = expected->logits(prompt), have = got->logits(prompt);
      ASSERT_TRUE(want.ok() && have.ok())
          << fixture << " " << name << " " << (want.ok() ? have : want).error().message;
      EXPECT_LE(largest_difference(*have, *want), 2e-4) << fixture << " " << name;
    }
  }
}

TEST_F(MuseGgufTest, WithoutItsTowersItTakesTextOnly) {
  const fs::path source = random_model("glimmer", false);
  const auto files = export_gguf(source, folder_ / "model.gguf", {DataType::f32, {}}).value();
  const Prompt text = prompt_for("glimmer", "text"), image = prompt_for("glimmer", "image");
  const auto whole = load_path(files.model)->logits(text).value();
  fs::remove(files.mmproj);
  const auto engine = load_path(files.model);
  EXPECT_EQ(engine->logits(text).value(), whole);
  const auto refused = engine->logits(image);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("takes no images"), std::string::npos) << refused.error().message;
}

TEST_F(MuseGgufTest, BlocksStayNearTheFolder) {
  const fs::path source = random_model("sparse", true);
  const auto files = export_gguf(source, folder_ / "model.gguf", {DataType::q8_0, {}}).value();
  const Prompt prompt = prompt_for("sparse", "image");
  const auto expected = load_path(source)->logits(prompt).value();
  const double difference = largest_difference(load_path(files.model)->logits(prompt).value(), expected);
  EXPECT_GT(difference, 1e-4);
  EXPECT_LT(difference, 0.5);
}

}  // namespace
}  // namespace melete
