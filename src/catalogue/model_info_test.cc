#include "catalogue/model_info.h"

#include <gtest/gtest.h>

namespace melete {
namespace {

const std::string kRoot = MELETE_SOURCE_DIR;

TEST(ModelInfo, SaysWhatAGgufFileHolds) {
  const ModelInfo info = inspect_model(kRoot + "/testdata/gguf/blocks.gguf").value();
  EXPECT_EQ(info.architecture, "golden");
  EXPECT_EQ(info.types.at("Q4_K").tensors, 1);
  EXPECT_EQ(info.types.at("Q4_K").elements, 1024);
  EXPECT_EQ(info.types.at("Q4_K").bytes, 576);
  EXPECT_EQ(info.parameters, 11 * 1024);
  EXPECT_EQ(info.largest_type(), "F32");
  EXPECT_EQ(info.context_length, 0);
  EXPECT_EQ(to_json(info)["metadata"]["golden.texts"], "['a', '', 'ß']");
}

TEST(ModelInfo, SaysWhatAFolderHolds) {
  const ModelInfo info = inspect_model(kRoot + "/models/melete-nano").value();
  EXPECT_EQ(info.architecture, "muse_spark");
  EXPECT_EQ(info.layers, 6);
  EXPECT_EQ(info.width, 192);
  EXPECT_EQ(info.vocab_size, 4096);
  EXPECT_FALSE(inspect_model(kRoot + "/testdata").ok());
}

TEST(ModelInfo, ShortNumbers) {
  EXPECT_EQ(short_count(0), "0");
  EXPECT_EQ(short_count(999), "999");
  EXPECT_EQ(short_count(1000), "1.0 k");
  EXPECT_EQ(short_count(134'515'008), "135 M");
  EXPECT_EQ(short_count(999'600), "1.0 M");
  EXPECT_EQ(short_bytes(98'362'432), "98 MB");
  EXPECT_EQ(short_bytes(1'540'000'000), "1.5 GB");
}

}  // namespace
}  // namespace melete
