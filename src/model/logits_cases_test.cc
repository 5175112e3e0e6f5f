#include "model/logits_cases.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>

#include "base/file.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

fs::path fixture(const std::string& name) { return fs::path(MELETE_SOURCE_DIR) / "testdata/oracle" / name; }

ModelConfig config_of(const std::string& name) {
  return *parse_model_config(*read_file(fixture(name) / "config.json"), name);
}

const LogitsCase& named(const std::vector<LogitsCase>& cases, const std::string& name) {
  for (const LogitsCase& one : cases)
    if (one.name == name) return one;
  ADD_FAILURE() << "no case " << name;
  return cases.front();
}

class LogitsCasesTest : public ::testing::Test {
 protected:
  LogitsCasesTest() {
    std::string name = (fs::temp_directory_path() / "melete_test_XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~LogitsCasesTest() override { fs::remove_all(folder_); }

  std::string message_for(const std::vector<TensorSource>& tensors) {
    EXPECT_TRUE(write_safetensors(folder_ / "c.safetensors", tensors).ok());
    const auto cases = read_logits_cases(folder_ / "c.safetensors", config_);
    return cases.ok() ? std::string() : cases.error().message;
  }

  fs::path folder_;
  const ModelConfig config_ = config_of("dense");
};

TEST(LogitsCases, FixturesFillEveryPlaceholder) {
  const auto cases = read_logits_cases(fixture("dense") / "oracle.safetensors", config_of("dense"));
  ASSERT_TRUE(cases.ok()) << cases.error().message;
  ASSERT_EQ(cases->size(), 8u);
  const LogitsCase& video = named(*cases, "video");
  ASSERT_EQ(video.runs.size(), 2u);
  EXPECT_EQ(video.runs[0].begin, 4);
  EXPECT_EQ(video.runs[1].begin, 12);
  EXPECT_EQ(video.runs[1].row, 6);
  EXPECT_EQ(video.input.grids[0].t, 2);
  EXPECT_EQ(video.input.vision_rows, (std::vector<int64_t>{4, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 17}));
  const LogitsCase& two = named(*cases, "two_images");
  ASSERT_EQ(two.runs.size(), 2u);
  EXPECT_EQ(two.runs[1].medium, 1);
  EXPECT_EQ(two.runs[1].row, 0);
  EXPECT_EQ(two.runs[1].begin, 13);
  EXPECT_EQ(two.runs[1].count, 4);
  const LogitsCase& both = named(*cases, "image_and_audio");
  EXPECT_EQ(both.runs[1].kind, RowKind::audio);
  EXPECT_EQ(both.input.audio_rows, (std::vector<int64_t>{9, 10, 11}));
  EXPECT_EQ(both.input.clip_samples, (std::vector<int64_t>{5760}));
  EXPECT_EQ(both.expected_logits.size(), static_cast<size_t>(both.num_tokens() * 160));
  const LogitsCase& greedy = named(*cases, "greedy");
  EXPECT_TRUE(greedy.expected_logits.empty());
  EXPECT_EQ(greedy.num_new_tokens(), 24);
}

TEST_F(LogitsCasesTest, PaddedClipsAreCutWhereTheirMaskEnds) {
  std::vector<float> samples(2 * 3840);
  for (size_t i = 0; i < samples.size(); ++i) samples[i] = static_cast<float>(i);
  std::vector<int64_t> mask(samples.size(), 1);
  std::fill(mask.begin() + 100, mask.begin() + 3840, 0);
  const std::vector<int64_t> ids = {152, 3, 152, 152};
  const std::vector<TensorSource> tensors = {
      {"a.input_ids", DataType::i64, {1, 4}, std::span<const int64_t>(ids)},
      {"a.input_values", DataType::f32, {2, 3840}, std::span<const float>(samples)},
      {"a.input_values_mask", DataType::i64, {2, 3840}, std::span<const int64_t>(mask)}};
  ASSERT_EQ(message_for(tensors), "");
  const LogitsCase one = read_logits_cases(folder_ / "c.safetensors", config_)->front();
  EXPECT_EQ(one.input.clip_samples, (std::vector<int64_t>{1920, 3840}));
  EXPECT_EQ(one.input.samples[1919], 1919.f);
  EXPECT_EQ(one.input.samples[1920], 3840.f);
  EXPECT_EQ(one.input.audio_rows, (std::vector<int64_t>{0, 2, 3}));
  ASSERT_EQ(one.runs.size(), 2u);
  EXPECT_EQ(one.runs[1].medium, 1);
}

TEST_F(LogitsCasesTest, BadCasesNameTheTensor) {
  const std::vector<float> patches(4 * 1176), few(3 * 1176);
  const std::vector<int64_t> ids = {5, 150, 6}, big = {5, 160}, grid = {1, 2, 2}, odd = {1, 1, 4};
  const std::vector<int64_t> huge = {1 << 20, 1 << 20, 1 << 20}, other = {5, 6, 7}, none;
  const auto i64 = [](const char* name, TensorShape shape, const std::vector<int64_t>& values) {
    return TensorSource{name, DataType::i64, std::move(shape), std::span<const int64_t>(values)};
  };
  const auto f32 = [](const char* name, TensorShape shape, const std::vector<float>& values) {
    return TensorSource{name, DataType::f32, std::move(shape), std::span<const float>(values)};
  };
  const auto id = i64("a.input_ids", {1, 3}, ids);
  const auto pixels = f32("a.pixel_values", {4, 1176}, patches);
  EXPECT_EQ(message_for({id}), "");
  EXPECT_EQ(message_for({id, pixels, i64("a.image_grid_thw", {1, 3}, grid)}), "");
  const std::vector<std::pair<std::vector<TensorSource>, std::string>> cases = {
      {{i64("a.ids", {1, 3}, ids)}, "must hold a tensor CASE.input_ids"},
      {{i64("a.input_ids", {1, 2}, big)}, "'a.input_ids' must hold ids from 0 to 159, got 160"},
      {{i64("a.input_ids", {1, 0}, none)}, "'a.input_ids' must have shape [1, tokens]"},
      {{i64("a.input_ids", {3, 1}, ids)}, "'a.input_ids' must have shape [1, tokens]"},
      {{id, pixels}, "'a.pixel_values' must come with a.image_grid_thw"},
      {{id, pixels, i64("a.image_grid_thw", {3}, grid)}, "'a.image_grid_thw' must have shape [media, 3]"},
      {{id, pixels, i64("a.image_grid_thw", {1, 3}, odd)},
       "'a.image_grid_thw' must hold t >= 1 and even h and w"},
      {{id, pixels, i64("a.image_grid_thw", {1, 3}, huge)}, "'a.pixel_values' must have as many rows"},
      {{id, f32("a.pixel_values", {3, 1176}, few), i64("a.image_grid_thw", {1, 3}, grid)},
       "must have as many rows"},
      {{id, f32("a.pixel_values", {8, 588}, patches), i64("a.image_grid_thw", {1, 3}, grid)},
       "[patches, 1176]"},
      {{i64("a.input_ids", {1, 3}, other), pixels, i64("a.image_grid_thw", {1, 3}, grid)},
       "got too many rows"},
      {{id, i64("a.output_ids", {1, 3}, other)}, "'a.output_ids' must begin with input_ids"},
      {{id, f32("a.logits", {2, 2, 1176}, patches)},
       "'a.logits' must have shape [1, 3, 160], got [2, 2, 1176]"},
  };
  for (const auto& [tensors, expected] : cases) {
    EXPECT_NE(message_for(tensors).find(expected), std::string::npos)
        << message_for(tensors) << "\nwanted " << expected;
  }
}

TEST_F(LogitsCasesTest, ResultsAreWrittenInTheCasesLayout) {
  const std::vector<LogitsResult> results = {{"a", {1, 2, 3, 4, 5, 6}, {7, 8}}, {"b", {1, 2, 3}, {}}};
  ASSERT_TRUE(write_logits_results(folder_ / "out.safetensors", results, 3).ok());
  const auto file = TensorFile::open(folder_ / "out.safetensors");
  EXPECT_EQ(file->find("a.logits")->shape, (TensorShape{1, 2, 3}));
  EXPECT_EQ(*file->floats("a.logits"), results[0].logits);
  EXPECT_EQ(*file->integers("a.output_ids"), (std::vector<int64_t>{7, 8}));
  EXPECT_EQ(file->find("b.output_ids"), nullptr);
}

TEST(LogitsCases, DifferencesDontHideNotANumber) {
  const std::vector<float> a = {1, 2, 3}, b = {1, 2.5f, 3}, nan = {std::nanf(""), 2, 3};
  EXPECT_EQ(largest_difference(a, b), 0.5);
  EXPECT_TRUE(std::isinf(largest_difference(a, nan)));
  EXPECT_TRUE(std::isinf(largest_difference(nan, nan)));
  EXPECT_TRUE(std::isinf(largest_difference(a, std::vector<float>{1, 2})));
}

}  // namespace
}  // namespace melete
