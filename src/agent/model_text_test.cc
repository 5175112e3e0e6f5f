#include "agent/model_text.h"

#include <gtest/gtest.h>

#include "agent/test_model.h"
#include "base/file.h"

namespace melete {
namespace {

TEST(ModelText, SamplingAdviceComesFromGenerationConfig) {
  const TestModel model;
  const auto advice = [&](const char* json) {
    EXPECT_TRUE(write_file(model.folder() / "generation_config.json", json).ok());
    const auto text = load_model_text(model.folder());
    EXPECT_TRUE(text.ok()) << text.error().message;
    return text->sampling;
  };
  const SamplingAdvice full = advice(R"({"temperature": 0.6, "top_p": 0.95, "top_k": 20, "min_p": 0.01})");
  EXPECT_EQ(full.temperature, 0.6);
  EXPECT_EQ(full.top_p, 0.95);
  EXPECT_EQ(full.top_k, 20);
  EXPECT_EQ(full.min_p, 0.01);
  EXPECT_FALSE(advice("{}").temperature.has_value());
  EXPECT_EQ(advice(R"({"do_sample": false, "temperature": 0.6})").temperature, 0.0);
}

TEST(ModelText, AdviceThatCannotBeUsedIsLeftOut) {
  const TestModel model;
  ASSERT_TRUE(write_file(model.folder() / "generation_config.json",
                         R"({"temperature": -1, "top_p": "high", "top_k": -5, "min_p": 1e300})")
                  .ok());
  const auto text = load_model_text(model.folder());
  ASSERT_TRUE(text.ok()) << text.error().message;
  EXPECT_FALSE(text->sampling.temperature || text->sampling.top_p || text->sampling.top_k ||
               text->sampling.min_p);
}

}  // namespace
}  // namespace melete
