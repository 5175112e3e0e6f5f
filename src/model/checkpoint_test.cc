#include "model/checkpoint.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "model/float_formats.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

fs::path fixture(const std::string& name) { return fs::path(MELETE_SOURCE_DIR) / "testdata/oracle" / name; }

class CheckpointTest : public ::testing::Test {
 protected:
  CheckpointTest() {
    std::string name = (fs::temp_directory_path() / "melete_test_XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    const auto opened = open_checkpoint(fixture("sparse"));
    EXPECT_TRUE(opened.ok()) << opened.error().message;
    source_ = *opened;
    for (const WeightSpec& spec : weight_specs(source_.config)) {
      values_.push_back(*source_.tensors.floats(spec.name));
      weights_.push_back({spec, values_.back()});
    }
    for (size_t i = 0; i < weights_.size(); ++i) weights_[i].values = values_[i];
  }
  ~CheckpointTest() override { fs::remove_all(folder_); }

  fs::path folder_;
  Checkpoint source_;
  std::vector<std::vector<float>> values_;
  std::vector<WeightValues> weights_;
  const TextFiles text_{"{}", "{}", "template"};
};

TEST(Checkpoint, EveryFixtureHasExactlyTheExpectedTensors) {
  for (const char* name : {"dense", "sparse", "glimmer"}) {
    const auto checkpoint = open_checkpoint(fixture(name));
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
    EXPECT_EQ(weight_specs(checkpoint->config).size(), checkpoint->tensors.tensors().size());
  }
}

TEST_F(CheckpointTest, Float32SaveLoadsBackBitForBit) {
  ASSERT_TRUE(save_checkpoint(folder_, source_.config, weights_, text_).ok());
  const auto loaded = open_checkpoint(folder_);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  for (size_t i = 0; i < weights_.size(); ++i)
    EXPECT_EQ(*loaded->tensors.floats(weights_[i].spec.name), values_[i]);
  EXPECT_EQ(to_json(loaded->config), to_json(source_.config));
  for (const char* name :
       {"tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json",
        "processor_config.json", "preprocessor_config.json", "video_preprocessor_config.json"})
    EXPECT_TRUE(fs::exists(folder_ / name)) << name;
  EXPECT_EQ(*read_file(folder_ / "chat_template.jinja"), "template");
  const Json processor = *parse_json(*read_file(folder_ / "processor_config.json"), "processor_config.json");
  EXPECT_EQ(processor["processor_class"], "MuseSparkProcessor");
  EXPECT_EQ(processor["feature_extractor"]["samples_per_token"], 1920);
  EXPECT_EQ(processor["image_processor"]["max_image_tokens"], 4096);
}

TEST_F(CheckpointTest, Bf16SaveRoundsAllButRouterAndGatesAndShards) {
  SaveOptions options;
  options.type = DataType::bf16;
  options.max_shard_bytes = 100'000;
  ASSERT_TRUE(save_checkpoint(folder_, source_.config, weights_, text_, options).ok());
  EXPECT_TRUE(fs::exists(folder_ / "model.safetensors.index.json"));
  const auto loaded = open_checkpoint(folder_);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  int64_t num_exact = 0;
  for (size_t i = 0; i < weights_.size(); ++i) {
    const std::string& name = weights_[i].spec.name;
    const bool exact =
        name.find("mlp.gate.") != std::string::npos || name.find("residual_gate") != std::string::npos;
    std::vector<float> expected = values_[i];
    if (!exact)
      for (float& value : expected) value = float_from_bf16(bf16_from_float(value));
    EXPECT_EQ(*loaded->tensors.floats(name), expected) << name;
    EXPECT_EQ(loaded->tensors.find(name)->type, exact ? DataType::f32 : DataType::bf16) << name;
    num_exact += exact ? 1 : 0;
  }
  EXPECT_EQ(num_exact, 2 * 2 + 2 * 5);
  EXPECT_EQ((*parse_json(*read_file(folder_ / "config.json"), "config.json"))["dtype"], "bfloat16");
}

TEST_F(CheckpointTest, MissingUnexpectedAndMisshapenTensorsAreNamed) {
  std::vector<TensorSource> tensors;
  for (const WeightValues& weight : weights_)
    tensors.push_back({weight.spec.name, DataType::f32, weight.spec.shape, weight.values});
  ASSERT_TRUE(write_file(folder_ / "config.json", to_json(source_.config).dump()).ok());
  const auto message = [&] {
    EXPECT_TRUE(write_model_tensors(folder_, tensors).ok());
    const auto opened = open_checkpoint(folder_);
    return opened.ok() ? std::string() : opened.error().message;
  };
  EXPECT_EQ(message(), "");
  std::swap(tensors[1], tensors.back());
  const TensorSource head = tensors[1];
  tensors[1].name = "lm_head.bias";
  EXPECT_NE(message().find("'lm_head.weight' is missing"), std::string::npos);
  EXPECT_NE(message().find("'lm_head.bias' is not part of the model"), std::string::npos);
  tensors[1] = head;
  tensors[1].shape = {48, 160};
  EXPECT_NE(message().find("'lm_head.weight' has shape [48, 160] instead of [160, 48]"), std::string::npos);
  tensors[1] = head;
  std::vector<int64_t> integers(160 * 48);
  tensors[1].type = DataType::i64;
  tensors[1].values = std::span<const int64_t>(integers);
  EXPECT_NE(message().find("'lm_head.weight' has type I64"), std::string::npos);
}

TEST_F(CheckpointTest, SavingRefusesIncompleteWeights) {
  auto fewer = weights_;
  fewer.pop_back();
  EXPECT_NE(save_checkpoint(folder_, source_.config, fewer, text_)
                .error()
                .message.find("'lm_head.weight' must be given"),
            std::string::npos);
  auto twice = weights_;
  twice.push_back(weights_[0]);
  EXPECT_NE(save_checkpoint(folder_, source_.config, twice, text_).error().message.find("each once"),
            std::string::npos);
  auto shorter = weights_;
  shorter[0].values = shorter[0].values.subspan(1);
  EXPECT_EQ(save_checkpoint(folder_, source_.config, shorter, text_).error().kind,
            ErrorKind::invalid_argument);
  EXPECT_TRUE(fs::is_empty(folder_));
}

}  // namespace
}  // namespace melete
