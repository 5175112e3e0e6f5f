// A tiny model folder with random weights and our small tokenizer: for tests.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/random.h"
#include "model/checkpoint.h"
#include "text/special_tokens.h"
#include "text/test_files.h"

namespace melete {

// The dense oracle model's shapes; the folder goes away with the object.
class TestModel {
 public:
  TestModel() {
    std::string name = (std::filesystem::temp_directory_path() / "melete_model_XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    const std::filesystem::path oracle =
        std::filesystem::path(MELETE_SOURCE_DIR) / "testdata/oracle/dense/config.json";
    ModelConfig config = parse_model_config(*read_file(oracle), oracle.string()).value();
    const Tokenizer& tokenizer = *small_tokenizer();
    config.text.vocab_size = tokenizer.vocab_size();
    config.text.max_positions = 2048;
    config.text.eos_token_ids = {*tokenizer.special_id(kEot)};
    config.text.bos_token_id = *tokenizer.special_id(kBeginOfText);
    config.image_token_id = *tokenizer.special_id(kPatch);
    config.video_token_id = *tokenizer.special_id(kVideo);
    config.audio_token_id = *tokenizer.special_id(kAudio);
    Random random(11);
    std::vector<std::vector<float>> values;
    const std::vector<WeightSpec> specs = weight_specs(config);
    for (const WeightSpec& spec : specs) {
      int64_t count = 1;
      for (const int64_t side : spec.shape) count *= side;
      values.emplace_back(static_cast<size_t>(count));
      for (float& value : values.back()) value = static_cast<float>(random.uniform() - 0.5);
    }
    std::vector<WeightValues> weights;
    for (size_t i = 0; i < specs.size(); ++i) weights.push_back({specs[i], values[i]});
    SaveOptions options;
    options.limits.max_image_tokens = 16;
    const TextFiles text{*read_file(text_testdata("melete.json")), "{}", "template"};
    const Status saved = save_checkpoint(folder_, config, weights, text, options);
    EXPECT_TRUE(saved.ok()) << saved.error().message;
  }
  ~TestModel() { std::filesystem::remove_all(folder_); }
  TestModel(const TestModel&) = delete;
  TestModel& operator=(const TestModel&) = delete;

  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
};

}  // namespace melete
