#include "model/gguf.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/file.h"
#include "model/gguf_writer.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

template <class T>
std::string raw(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}
std::string text(std::string_view value) { return raw<uint64_t>(value.size()) + std::string(value); }
std::string key(std::string_view name, uint32_t type, std::string_view value) {
  return text(name) + raw(type) + std::string(value);
}
std::string tensor(std::string_view name, std::vector<uint64_t> sides, uint32_t type, uint64_t offset) {
  std::string out = text(name) + raw<uint32_t>(static_cast<uint32_t>(sides.size()));
  for (const uint64_t side : sides) out += raw(side);
  return out + raw(type) + raw(offset);
}

// A file of these keys and tensors with `data_bytes` of data.
std::string file_of(std::vector<std::string> keys, std::vector<std::string> tensors, size_t data_bytes,
                    uint32_t version = 3) {
  std::string out = "GGUF" + raw(version) + raw<uint64_t>(tensors.size()) + raw<uint64_t>(keys.size());
  for (const std::string& part : keys) out += part;
  for (const std::string& part : tensors) out += part;
  out.resize((out.size() + 31) / 32 * 32);
  return out + std::string(data_bytes, '\1');
}

void expect_problem(const std::string& bytes, std::string_view problem) {
  const auto file = GgufFile::parse(bytes, "x.gguf");
  ASSERT_FALSE(file.ok()) << problem;
  EXPECT_NE(file.error().message.find(problem), std::string::npos) << file.error().message;
  EXPECT_EQ(file.error().message.rfind("[x.gguf] ", 0), 0u) << file.error().message;
}

GgufTensor tensor_of(std::string name, DataType type, TensorShape shape, std::vector<float> values) {
  return {std::move(name), type, std::move(shape),
          [values = std::move(values)]() -> Result<std::vector<float>> { return values; }};
}

class GgufFolder : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path folder_;
};

TEST(Gguf, ReadsTheReferencesMetadata) {
  const GgufFile file = GgufFile::open(MELETE_SOURCE_DIR "/testdata/gguf/blocks.gguf").value();
  EXPECT_EQ(file.architecture(), "golden");
  EXPECT_EQ(file.integer("golden.count").value(), 4000000000);
  EXPECT_EQ(file.integer("golden.small").value(), -5);
  EXPECT_EQ(std::get<uint64_t>(*file.find("golden.huge")), UINT64_MAX);
  EXPECT_EQ(file.number("golden.pi").value(), 3.25);
  EXPECT_EQ(file.number("golden.e").value(), 2.718281828459045);
  EXPECT_EQ(file.number("golden.small").value(), -5.0);
  EXPECT_TRUE(file.boolean("golden.yes").value());
  EXPECT_EQ(file.text("golden.text").value(), "Grüße");
  EXPECT_EQ(file.texts("golden.texts").value(), (std::vector<std::string>{"a", "", "ß"}));
  EXPECT_EQ(file.integers("golden.numbers").value(), (std::vector<int64_t>{1, -2, 3}));
  EXPECT_EQ(file.integers("golden.small").value(), (std::vector<int64_t>{-5}));
  EXPECT_EQ(file.numbers("golden.floats").value(), (std::vector<double>{0.5, 2.0}));
  EXPECT_EQ(file.integers("golden.flags").value(), (std::vector<int64_t>{1, 0, 1}));
  EXPECT_EQ(to_string(*file.find("golden.numbers"), 2), "[1, -2, ... 3 in all]");
  EXPECT_EQ(file.tensors().find("q4_k")->shape, (TensorShape{2, 512}));
  EXPECT_EQ(file.integer("absent", 7).value(), 7);
  EXPECT_EQ(file.integer("absent").error().kind, ErrorKind::not_found);
  EXPECT_NE(file.integer("golden.text").error().message.find("'golden.text' must be an integer, got 'Grüße'"),
            std::string::npos);
  EXPECT_FALSE(file.integer("golden.text", 7).ok()) << "a default must not hide a wrong type";
  EXPECT_FALSE(file.integers("golden.floats").ok());
}

TEST(Gguf, ShapesAreSlowestFirst) {
  const std::string bytes = file_of({}, {tensor("w", {3, 2}, 0, 0)}, 24, 2);
  const GgufFile file = GgufFile::parse(bytes, "x.gguf").value();
  EXPECT_EQ(file.tensors().find("w")->shape, (TensorShape{2, 3}));
  EXPECT_EQ(file.tensors().find("w")->num_elements(), 6);
}

TEST(Gguf, RefusesLyingHeaders) {
  expect_problem("GGU", "the start must lie within the file's 3 bytes");
  expect_problem(file_of({}, {}, 0).replace(0, 4, "GGML"), "must begin with \"GGUF\", got 'GGML'");
  expect_problem(file_of({}, {}, 0, 1), "must be GGUF version 2 or 3");
  expect_problem(file_of({}, {}, 0, 0x03000000), "little-endian");
  expect_problem("GGUF" + raw<uint32_t>(3) + raw<uint64_t>(UINT64_MAX) + raw<uint64_t>(0),
                 "the header must fit");
  expect_problem("GGUF" + raw<uint32_t>(3) + raw<uint64_t>(0) + raw<uint64_t>(1ull << 60),
                 "the header must fit");
  expect_problem(file_of({raw<uint64_t>(UINT64_MAX) + std::string(32, 'x')}, {}, 0),
                 "metadata key 0 must lie within");
  expect_problem(file_of({key("a", 8, raw<uint64_t>(1ull << 62))}, {}, 0),
                 "the value of 'a' must lie within");
  expect_problem(file_of({key("a", 9, raw<uint32_t>(4) + raw<uint64_t>(1ull << 62))}, {}, 0),
                 "the value of 'a'");
  expect_problem(file_of({key("a", 9, raw<uint32_t>(8) + raw<uint64_t>(1ull << 61))}, {}, 0),
                 "the value of 'a'");
  expect_problem(file_of({key("a", 9, raw<uint32_t>(9) + raw<uint64_t>(1))}, {}, 0), "got value type 9");
  expect_problem(file_of({key("a", 13, "12345678")}, {}, 0), "must have a value type from 0 to 12, got 13");
  expect_problem(file_of({key("a", 4, "1234"), key("a", 4, "1234")}, {}, 0), "key 'a' must appear once");
  expect_problem(file_of({key("general.alignment", 4, raw<uint32_t>(24))}, {}, 0), "a power of two");
  expect_problem(file_of({key("general.alignment", 4, raw<uint32_t>(0))}, {}, 0), "a power of two");
  expect_problem(file_of({key("split.count", 2, raw<uint16_t>(3))}, {}, 0), "one of 3 parts");
}

TEST(Gguf, RefusesLyingTensors) {
  const uint64_t big = uint64_t{1} << 40;
  expect_problem(file_of({}, {tensor("w", {}, 0, 0)}, 64), "'w' must have 1 to 4 dimensions, got 0");
  expect_problem(file_of({}, {tensor("w", {1, 1, 1, 1, 1}, 0, 0)}, 64), "got 5");
  expect_problem(file_of({}, {tensor("w", {0}, 0, 0)}, 64), "'w' must have sides from 1");
  expect_problem(file_of({}, {tensor("w", {UINT64_MAX}, 0, 0)}, 64), "'w' must have sides from 1");
  expect_problem(file_of({}, {tensor("w", {big, big}, 0, 0)}, 64), "'w' must need less than 2^64 bytes");
  expect_problem(file_of({}, {tensor("w", {17}, 0, 0)}, 64), "'w' must lie within the 64 bytes of data");
  expect_problem(file_of({}, {tensor("w", {4}, 0, 64)}, 64), "'w' must lie within");
  expect_problem(file_of({}, {tensor("w", {4}, 0, UINT64_MAX - 31)}, 64), "'w' must lie within");
  expect_problem(file_of({}, {tensor("w", {4}, 0, 4)}, 64), "at a multiple of 32");
  expect_problem(file_of({}, {tensor("w", {48}, 8, 0)}, 64),
                 "multiple of 32 elements for Q8_0, got shape [48]");
  expect_problem(file_of({}, {tensor("w", {4}, 23, 0)}, 64),
                 "got IQ4_XS; get or convert the model to one of F32");
  expect_problem(file_of({}, {tensor("w", {4}, 99, 0)}, 64), "got type 99");
  expect_problem(file_of({}, {tensor("w", {4}, 0, 0), tensor("w", {4}, 0, 32)}, 64), "'w' must appear once");
  expect_problem(file_of({}, {tensor("a", {12}, 0, 0), tensor("b", {4}, 0, 32)}, 64),
                 "'b' must not share bytes");
}

TEST(Gguf, AnyPrefixIsAnErrorOrTheWholeFile) {
  const std::string bytes = read_file(MELETE_SOURCE_DIR "/testdata/gguf/blocks.gguf").value();
  for (size_t length = 0; length + 64 < bytes.size(); length += length < 1200 ? 1 : 97)
    ASSERT_FALSE(GgufFile::parse(std::string_view(bytes).substr(0, length), "x").ok()) << length;
}

TEST_F(GgufFolder, ReadsWhatItWrote) {
  std::vector<float> values(64);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) - 20.0f;
  const std::vector<GgufField> fields = {{"a.flag", true},
                                         {"a.u32", uint32_t{7}},
                                         {"a.i32", int32_t{-7}},
                                         {"a.u64", uint64_t{1} << 40},
                                         {"a.f32", 0.5f},
                                         {"a.text", std::string("tèxt")},
                                         {"a.flags", std::vector<bool>{true, false}},
                                         {"a.list", std::vector<int32_t>{1, -1}},
                                         {"a.floats", std::vector<float>{1.5f}},
                                         {"a.texts", std::vector<std::string>{"", "b"}}};
  const std::vector<GgufTensor> tensors = {tensor_of("q", DataType::q8_0, {2, 32}, values),
                                           tensor_of("odd", DataType::f32, {3}, {1, 2, 3}),
                                           tensor_of("b", DataType::bf16, {4, 1, 16}, values)};
  ASSERT_TRUE(write_gguf(folder_ / "a.gguf", fields, tensors).ok());
  const GgufFile file = GgufFile::open(folder_ / "a.gguf").value();
  EXPECT_TRUE(file.boolean("a.flag").value());
  EXPECT_EQ(file.integer("a.u32").value(), 7);
  EXPECT_EQ(file.integer("a.i32").value(), -7);
  EXPECT_EQ(file.integer("a.u64").value(), int64_t{1} << 40);
  EXPECT_EQ(file.number("a.f32").value(), 0.5);
  EXPECT_EQ(file.text("a.text").value(), "tèxt");
  EXPECT_EQ(file.integers("a.flags").value(), (std::vector<int64_t>{1, 0}));
  EXPECT_EQ(file.integers("a.list").value(), (std::vector<int64_t>{1, -1}));
  EXPECT_EQ(file.numbers("a.floats").value(), (std::vector<double>{1.5}));
  EXPECT_EQ(file.texts("a.texts").value(), (std::vector<std::string>{"", "b"}));
  EXPECT_EQ(file.tensors().floats("odd").value(), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(file.tensors().floats("b").value(), values);
  EXPECT_EQ(file.tensors().find("b")->shape, (TensorShape{4, 1, 16}));
  EXPECT_NEAR(file.tensors().floats("q").value()[63], 43.0f, 0.2f);
  EXPECT_EQ(TensorFile::open(folder_ / "a.gguf").value().tensors().size(), 3u);
}

TEST_F(GgufFolder, RefusesToWriteWhatNobodyCouldRead) {
  const auto problem = [&](GgufTensor t) {
    const Status status = write_gguf(folder_ / "a.gguf", {}, std::vector{std::move(t)});
    EXPECT_FALSE(status.ok());
    EXPECT_FALSE(fs::exists(folder_ / "a.gguf"));
    return status.ok() ? std::string() : status.error().message;
  };
  EXPECT_NE(problem(tensor_of("w", DataType::q8_0, {16}, {})).find("'w' must have"), std::string::npos);
  EXPECT_NE(problem(tensor_of("w", DataType::q6_k, {256}, {})).find("'w' must have"), std::string::npos);
  EXPECT_NE(problem(tensor_of("w", DataType::f32, {2}, {1})).find("must have 2 values, got 1"),
            std::string::npos);
  const std::vector<GgufField> twice = {{"k", 1.0f}, {"k", 2.0f}};
  EXPECT_FALSE(write_gguf(folder_ / "a.gguf", twice, {}).ok());
  EXPECT_TRUE(!fs::exists(folder_) || fs::is_empty(folder_)) << "a temporary file was left";
}

class GgufParts : public GgufFolder {
 protected:
  fs::path part(int index, int count) {
    return folder_ / cat("m-0000", index + 1, "-of-0000", count, ".gguf");
  }
  void write_part(const fs::path& path, uint32_t index, uint32_t count, std::string name) {
    const std::vector<GgufField> fields = {
        {"split.no", index}, {"split.count", count}, {"split.tensors.count", int32_t{2}}, {"n", index}};
    const std::vector<GgufTensor> tensors = {
        tensor_of(std::move(name), DataType::f32, {1}, {static_cast<float>(index)})};
    ASSERT_TRUE(write_gguf(path, fields, tensors).ok());
  }
  void expect_open_problem(const fs::path& path, std::string_view problem) {
    const auto file = GgufFile::open(path);
    ASSERT_FALSE(file.ok()) << problem;
    EXPECT_NE(file.error().message.find(problem), std::string::npos) << file.error().message;
  }
};

TEST_F(GgufParts, OpenAsOneModelFromAnyPart) {
  write_part(part(0, 2), 0, 2, "a");
  write_part(part(1, 2), 1, 2, "b");
  for (const int i : {0, 1}) {
    const GgufFile file = GgufFile::open(part(i, 2)).value();
    EXPECT_EQ(file.tensors().floats("a").value(), std::vector<float>{0.0f});
    EXPECT_EQ(file.tensors().floats("b").value(), std::vector<float>{1.0f});
    EXPECT_EQ(file.integer("n").value(), 0) << "metadata is the first part's";
  }
}

TEST_F(GgufParts, MustBelongTogether) {
  write_part(part(0, 2), 0, 2, "a");
  expect_open_problem(part(0, 2), "m-00002-of-00002.gguf");
  write_part(part(1, 2), 0, 2, "b");  // a part that says it is the first again
  expect_open_problem(part(0, 2), "must be part 1 (from 0) of 2, got part 0 of 2");
  write_part(part(1, 2), 1, 3, "b");
  expect_open_problem(part(0, 2), "got part 1 of 3");
  write_part(part(1, 2), 1, 2, "a");
  expect_open_problem(part(0, 2), "tensor 'a' must appear once");
  write_part(folder_ / "renamed.gguf", 1, 2, "b");
  expect_open_problem(folder_ / "renamed.gguf", "must be named *-00001-of-00002.gguf with its own number");
  write_part(part(0, 2), 0, 70000, "a");
  expect_open_problem(part(0, 2), "must be named");
}

}  // namespace
}  // namespace melete
