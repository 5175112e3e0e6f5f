#include "model/safetensors.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "base/file.h"
#include "model/float_formats.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

std::string file_bytes(const std::string& header, const std::string& data) {
  const uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + data;
}

std::string message_of(const std::string& header, const std::string& data) {
  const auto file = TensorFile::parse(file_bytes(header, data), "x.safetensors");
  return file.ok() ? "" : file.error().message;
}

class SafetensorsTest : public ::testing::Test {
 protected:
  SafetensorsTest() {
    std::string name = (fs::temp_directory_path() / "melete_test_XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~SafetensorsTest() override { fs::remove_all(folder_); }

  fs::path folder_;
};

TEST(FloatFormats, Bf16RoundsToNearestEvenAndKeepsSpecials) {
  EXPECT_EQ(bf16_from_float(1.0f), 0x3f80);
  EXPECT_EQ(bf16_from_float(std::bit_cast<float>(0x3f808000u)),
            0x3f80);  // a tie goes to the even neighbour below
  EXPECT_EQ(bf16_from_float(std::bit_cast<float>(0x3f818000u)), 0x3f82);  // and above
  EXPECT_EQ(bf16_from_float(std::bit_cast<float>(0x3f808001u)), 0x3f81);
  EXPECT_EQ(bf16_from_float(std::numeric_limits<float>::max()), 0x7f80);  // overflows to infinity
  EXPECT_EQ(bf16_from_float(-std::numeric_limits<float>::infinity()), 0xff80);
  EXPECT_TRUE(std::isnan(float_from_bf16(bf16_from_float(std::bit_cast<float>(0x7f800001u)))));
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = float_from_bf16(static_cast<uint16_t>(bits));
    if (std::isnan(value)) continue;
    ASSERT_EQ(bf16_from_float(value), bits);
  }
}

TEST(FloatFormats, HalfHasKnownValues) {
  EXPECT_EQ(float_from_f16(0x3c00), 1.0f);
  EXPECT_EQ(float_from_f16(0xc000), -2.0f);
  EXPECT_EQ(float_from_f16(0x7bff), 65504.0f);
  EXPECT_EQ(float_from_f16(0x0001), 0x1p-24f);
  EXPECT_EQ(float_from_f16(0x83ff), -1023 * 0x1p-24f);
  EXPECT_TRUE(std::signbit(float_from_f16(0x8000)));
  EXPECT_EQ(float_from_f16(0x7c00), std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(float_from_f16(0x7e01)));
}

TEST_F(SafetensorsTest, WhatIsWrittenIsReadBack) {
  const std::vector<float> a = {1.5f, -2.25f, 3.0f, 1e-30f, 5.0f, 6.0f}, b = {0.1f, -0.2f, 7.0f};
  const std::vector<int64_t> ids = {-1, 1LL << 40};
  const std::vector<TensorSource> tensors = {{"b", DataType::bf16, {3}, std::span<const float>(b)},
                                             {"a", DataType::f32, {2, 3}, std::span<const float>(a)},
                                             {"ids", DataType::i64, {1, 2}, std::span<const int64_t>(ids)},
                                             {"none", DataType::f32, {0, 4}, std::span<const float>()}};
  const fs::path path = folder_ / "sub" / "t.safetensors";
  ASSERT_TRUE(write_safetensors(path, tensors, {{"step", "7"}}).ok());
  const auto file = TensorFile::open(path);
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(*file->floats("a"), a);
  EXPECT_EQ(*file->integers("ids"), ids);
  EXPECT_EQ(*file->floats("b"), (std::vector<float>{0.10009765625f, -0.2001953125f, 7.0f}));
  EXPECT_EQ(file->find("a")->shape, (TensorShape{2, 3}));
  EXPECT_EQ(file->find("none")->num_elements(), 0);
  EXPECT_EQ(file->metadata().at("step"), "7");
  EXPECT_EQ(file->metadata().at("format"), "pt");
  const std::string bytes = *read_file(path);
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), 8);
  EXPECT_EQ(header_bytes % 8, 0u);
  EXPECT_EQ(std::distance(fs::directory_iterator(path.parent_path()), fs::directory_iterator()), 1);
}

TEST_F(SafetensorsTest, ReadingTheWrongTypeOrSizeNamesFileAndTensor) {
  const std::vector<float> a = {1, 2};
  const std::vector<TensorSource> tensors = {{"a", DataType::f32, {2}, std::span<const float>(a)}};
  ASSERT_TRUE(write_safetensors(folder_ / "t.safetensors", tensors).ok());
  const auto file = TensorFile::open(folder_ / "t.safetensors");
  EXPECT_NE(file->integers("a").error().message.find("'a' must hold integers, got F32"), std::string::npos);
  EXPECT_EQ(file->floats("absent").error().kind, ErrorKind::not_found);
  std::vector<float> three(3);
  const Status status = file->copy_floats("a", three);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("t.safetensors] tensor 'a' must have 3 elements, got shape [2]"),
            std::string::npos);
}

TEST_F(SafetensorsTest, WritingRefusesWhatDoesNotFit) {
  const std::vector<float> a = {1, 2};
  const std::span<const float> span(a);
  const std::vector<std::vector<TensorSource>> bad = {
      {{"a", DataType::f32, {3}, span}},
      {{"a", DataType::f16, {2}, span}},
      {{"a", DataType::f32, {-2}, span}},
      {{"__metadata__", DataType::f32, {2}, span}},
      {{"a", DataType::f32, {2}, span}, {"a", DataType::f32, {2}, span}}};
  for (const auto& tensors : bad) {
    EXPECT_EQ(write_safetensors(folder_ / "t.safetensors", tensors).error().kind,
              ErrorKind::invalid_argument);
    EXPECT_FALSE(fs::exists(folder_ / "t.safetensors"));
  }
}

TEST(SafetensorsHeader, LyingHeadersAreRefusedWithTheTensorsName) {
  const std::string data = "01234567";
  EXPECT_EQ(message_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", data), "");
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})",
       "'a' must have the bytes that F32 [3] needs, 12, got 8"},
      {R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}})", "'a' must lie within the 8 bytes"},
      {R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[8,4]}})", "'a' must lie within"},
      {R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}})", "more than 2^64"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
       "'b' must begin at byte 4 of the data, where the one before it ends, got 0 (overlap)"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", "'a' must begin at byte 0 of the data"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
       "must cover the file's 8 bytes of data, got 4"},
      {R"({"a":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}})", "'a' must have a known dtype, got 'F33'"},
      {R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", "'a' must hold no negative number"},
      {R"({"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", "'a' must hold whole numbers"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}})", "'a' must have two data_offsets"},
      {R"({"a":{"dtype":"F32","shape":[2]}})", "'a' must have dtype, shape and two data_offsets"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}})", "'a' must have only"},
      {R"({"a":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}})", "'a' must have one shape"},
      {R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})",
       "'a' must appear once"},
      {R"({"a":[[[[1]]]]})", "'a' must hold arrays only"},
      {R"([])", "the header must hold arrays only"},
      {"{\"a\xff\":1}", "must be valid JSON in UTF-8"},
      {R"({"a":)", "must be valid JSON"},
      {R"({"a":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8]}})", "below 2^63"},
  };
  for (const auto& [header, expected] : cases) {
    const std::string message = message_of(header, data);
    EXPECT_NE(message.find(expected), std::string::npos) << header << "\n  gave: " << message;
    EXPECT_EQ(message.rfind("[x.safetensors]", 0), 0u) << message;
  }
}

TEST(SafetensorsHeader, EveryTruncationOfAFileIsRefused) {
  const std::string whole =
      file_bytes(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", "01234567");
  ASSERT_TRUE(TensorFile::parse(whole, "x").ok());
  for (size_t n = 0; n < whole.size(); ++n)
    EXPECT_FALSE(TensorFile::parse(whole.substr(0, n), "x").ok()) << n;
  EXPECT_FALSE(TensorFile::parse(whole + "0", "x").ok());
  std::string huge = whole;
  std::memset(huge.data(), 0xff, 8);
  EXPECT_NE(TensorFile::parse(huge, "x").error().message.find("the header must be at most"),
            std::string::npos);
}

TEST_F(SafetensorsTest, ShardsAreWrittenReadAndCheckedAgainstTheIndex) {
  const std::vector<float> values = {1, 2, 3, 4};
  std::vector<TensorSource> tensors;
  for (const char* name : {"a", "b", "c"})
    tensors.push_back({name, DataType::f32, {4}, std::span<const float>(values)});
  ASSERT_TRUE(write_model_tensors(folder_, tensors).ok());
  EXPECT_TRUE(fs::exists(folder_ / "model.safetensors"));
  ASSERT_TRUE(write_model_tensors(folder_, tensors, {}, 32).ok());
  EXPECT_FALSE(fs::exists(folder_ / "model.safetensors"));
  const auto file = TensorFile::open(folder_);
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(file->tensors().size(), 3u);
  EXPECT_EQ(*file->floats("c"), values);
  EXPECT_NE(file->find("a")->file->find("model-00001-of-00002"), std::string::npos);

  const fs::path index = folder_ / "model.safetensors.index.json";
  const std::string good = *read_file(index);
  const auto message_with = [&](const std::string& from, const std::string& to) {
    std::string changed = good;
    changed.replace(changed.find(from), from.size(), to);
    EXPECT_TRUE(write_file(index, changed).ok());
    const auto opened = TensorFile::open(folder_);
    return opened.ok() ? std::string() : opened.error().message;
  };
  EXPECT_NE(message_with("model-00002-of-00002", "../x")
                .find("tensor 'c' must name a .safetensors file in the same folder"),
            std::string::npos);
  EXPECT_NE(message_with("model-00002-of-00002.safetensors", "model.safetensors.index.json")
                .find("tensor 'c' must name"),
            std::string::npos);
  EXPECT_NE(message_with("model-00002-of-00002", "model-00001-of-00002").find("tensor 'c' must be in"),
            std::string::npos);
  EXPECT_NE(message_with("\"b\"", "\"z\"").find("tensor 'z' must be in"), std::string::npos);
  EXPECT_NE(message_with("\"weight_map\"", "\"weights\"").find("object weight_map"), std::string::npos);
  EXPECT_NE(message_with("{", "[").find("must be a JSON object"), std::string::npos);
  fs::remove(folder_ / "model-00002-of-00002.safetensors");
  fs::create_symlink("model-00002-of-00002.safetensors", folder_ / "model-00002-of-00002.safetensors");
  EXPECT_NE(message_with("a", "a").find("model-00002-of-00002.safetensors"), std::string::npos);
}

TEST_F(SafetensorsTest, AbsentFilesAndFoldersAreNamed) {
  EXPECT_EQ(TensorFile::open(folder_ / "no.safetensors").error().kind, ErrorKind::not_found);
  EXPECT_NE(TensorFile::open(folder_).error().message.find("model.safetensors"), std::string::npos);
  ASSERT_TRUE(write_file(folder_ / "empty.safetensors", "").ok());
  EXPECT_EQ(TensorFile::open(folder_ / "empty.safetensors").error().kind, ErrorKind::corrupt);
}

}  // namespace
}  // namespace melete
