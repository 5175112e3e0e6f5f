#include "engine/packed_cache.h"

#include <sys/stat.h>

#include <cstdlib>
#include <thread>

#include "engine/packed_test.h"
#include "engine/test_models.h"

namespace melete {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class PackedCacheTest : public PackedTest {
 protected:
  // The model's logits with what the folder keeps, which is kept afterwards.
  std::vector<float> logits(const fs::path& model, WeightType weights = WeightType::automatic) {
    auto pool = std::make_unique<ThreadPool>(2);
    PackedCache cache(folder_);
    LoadOptions options;
    options.weights = weights;
    options.packed = &cache;
    auto decoder = load_decoder(model, options, *pool);
    EXPECT_TRUE(decoder.ok()) << (decoder.ok() ? "" : decoder.error().message);
    cache.wait();
    SpanEngine engine(std::move(pool), std::move(decoder).value(), {});
    return engine.logits(text_prompt(12, 3)).value();
  }

  static std::vector<float> fresh_logits(const fs::path& model, WeightType weights = WeightType::automatic) {
    return load_path(model, 2, weights)->logits(text_prompt(12, 3)).value();
  }

  fs::path copied(const std::string& model) const {
    fs::copy(folder(model), path_ / model, fs::copy_options::recursive);
    return path_ / model;
  }

  // A file of about 64 KiB under the key.
  void keep(PackedCache& cache, const std::string& key) const {
    PackedWeights weights(key);
    load_matrix(raw_file(path_ / "raw", {{"w", DataType::f32, {64, 256}}}), WeightType::automatic, &weights);
    cache.keep(std::move(weights));
    cache.wait();
  }
};

void change_last_byte(const fs::path& file) {
  std::string bytes = read_file(file).value();
  bytes.back() = static_cast<char>(bytes.back() ^ 0x40);
  ASSERT_TRUE(write_file(file, bytes).ok());
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
}

// In place; before the end where `at` is negative.
void write_at(const fs::path& file, long at, std::string_view bytes) {
  std::FILE* out = std::fopen(file.c_str(), "r+b");
  ASSERT_NE(out, nullptr);
  EXPECT_EQ(std::fseek(out, at, at < 0 ? SEEK_END : SEEK_SET), 0);
  EXPECT_EQ(std::fwrite(bytes.data(), 1, bytes.size(), out), bytes.size());
  std::fclose(out);
}

TEST_F(PackedCacheTest, LogitsWithKeptWeightsAreThoseOfFreshOnes) {
  for (const char* model : {"dense", "sparse", "glimmer"}) {
    for (const WeightType type :
         {WeightType::f32, WeightType::bf16, WeightType::w8, WeightType::w8a8, WeightType::w4}) {
      SCOPED_TRACE(cat(model, " ", name_of(type)));
      const std::vector<float> expected = fresh_logits(folder(model), type);
      EXPECT_EQ(logits(folder(model), type), expected);
      ASSERT_EQ(kept_files().size(), 1u);
      EXPECT_EQ(logits(folder(model), type), expected);
      fs::remove_all(folder_.path);
    }
  }
}

TEST_F(PackedCacheTest, TheSecondStartTakesWhatIsKept) {
  const std::vector<float> expected = logits(folder("dense"), WeightType::w8);
  ASSERT_EQ(kept_files().size(), 1u);
  struct stat info {};
  ASSERT_EQ(::stat(kept_files()[0].c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_EQ(::stat(folder_.path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  // The head is the last weight: a changed one shows in the logits.
  change_last_byte(kept_files()[0]);
  EXPECT_NE(logits(folder("dense"), WeightType::w8), expected);
  // Another weight type has a file of its own.
  EXPECT_EQ(logits(folder("dense"), WeightType::f32), fresh_logits(folder("dense")));
  EXPECT_EQ(kept_files().size(), 2u);
}

TEST_F(PackedCacheTest, DamageIsRepairedByTheNextStart) {
  const std::vector<float> expected = logits(folder("dense"));
  const fs::path file = kept_files().at(0);
  const std::string whole = read_file(file).value();
  for (const size_t size : {size_t{0}, size_t{20}, whole.size() / 2, whole.size() - 1}) {
    ASSERT_TRUE(write_file(file, whole.substr(0, size)).ok());
    EXPECT_EQ(logits(folder("dense")), expected) << size;
    EXPECT_EQ(read_file(file).value(), whole) << size;
  }
}

// Neither the size nor the time of writing tells: the file was written over and its time set back.
TEST_F(PackedCacheTest, AChangedModelIsPackedAnew) {
  const fs::path model = copied("dense"), weights = model / "model.safetensors";
  const std::vector<float> before = logits(model);
  const auto time = fs::last_write_time(weights);
  const auto q =
      TensorFile::open(weights)->floats("model.language_model.layers.0.self_attn.q_proj.weight").value();
  std::string first(reinterpret_cast<const char*>(q.data()), 64);
  const size_t at = read_file(weights)->find(first);
  ASSERT_NE(at, std::string::npos);
  first[2] = static_cast<char>(first[2] ^ 0x40);
  write_at(weights, static_cast<long>(at), first);
  fs::last_write_time(weights, time);
  const std::vector<float> expected = fresh_logits(model);
  ASSERT_NE(expected, before);
  EXPECT_EQ(logits(model), expected);
  EXPECT_EQ(kept_files().size(), 2u);
}

TEST_F(PackedCacheTest, AFolderThatCannotBeWrittenIsNoError) {
  ASSERT_TRUE(write_file(path_ / "cache", "a file where the folder should be").ok());
  EXPECT_EQ(logits(folder("dense")), fresh_logits(folder("dense")));
  EXPECT_TRUE(kept_files().empty());
}

TEST_F(PackedCacheTest, SmallModelsAreNotKept) {
  folder_.min_bytes = int64_t{1} << 30;
  logits(folder("dense"));
  EXPECT_TRUE(kept_files().empty());
}

TEST_F(PackedCacheTest, SeveralLoadersAtOnceLeaveOneWholeFile) {
  const std::vector<float> expected = fresh_logits(folder("dense"));
  for (int round = 0; round < 3; ++round) {
    std::vector<std::vector<float>> got(3);
    {
      std::vector<std::jthread> threads;
      for (auto& result : got) threads.emplace_back([&] { result = logits(folder("dense")); });
    }
    for (const auto& result : got) EXPECT_EQ(result, expected);
    ASSERT_EQ(kept_files().size(), 1u);
    EXPECT_TRUE(PackedWeights::key_of(kept_files()[0]).ok());
    fs::remove(kept_files()[0]);
  }
}

TEST_F(PackedCacheTest, TheOneUsedLongestAgoMakesRoom) {
  PackedCache cache(folder_);
  for (const char* key : {"a", "b", "c"}) keep(cache, key);
  ASSERT_EQ(kept_files().size(), 3u);
  const auto now = fs::file_time_type::clock::now();
  for (const PackedFile& file : packed_files(folder_))
    fs::last_write_time(file.path, now - (file.key == "a" ? 3h : file.key == "b" ? 2h : 1h));
  EXPECT_FALSE(cache.open("a").has_new());  // used now
  PackedFolder small = folder_;
  small.max_bytes = 3 * packed_files(folder_)[0].bytes + 100;
  PackedCache limited(small);
  keep(limited, "d");
  std::string keys;
  for (const PackedFile& file : packed_files(folder_)) keys += file.key;
  std::sort(keys.begin(), keys.end());
  EXPECT_EQ(keys, "acd");
  small.max_bytes = 1000;  // less than one of them
  PackedCache tight(small);
  keep(tight, "e");
  EXPECT_EQ(packed_files(folder_).size(), 3u);
}

TEST_F(PackedCacheTest, WhatAKilledProcessLeftIsRemoved) {
  fs::create_directories(folder_.path);
  const fs::path old = folder_.path / "0a.packed.abcdef", young = folder_.path / "0a.packed.ghijkl",
                 foreign = folder_.path / "notes.txt";
  for (const fs::path& path : {old, young, foreign}) ASSERT_TRUE(write_file(path, "x").ok());
  fs::last_write_time(old, fs::file_time_type::clock::now() - 2h);
  PackedCache cache(folder_);
  keep(cache, "a");
  EXPECT_FALSE(fs::exists(old));
  EXPECT_TRUE(fs::exists(young));
  EXPECT_GT(clear_packed_files(folder_).value(), 60000);
  EXPECT_EQ(kept_files(), std::vector<fs::path>{foreign});
  EXPECT_TRUE(packed_files(folder_).empty());
}

TEST_F(PackedCacheTest, AModelLargerThanMemoryIsRefusedThoughItIsKept) {
  logits(folder("dense"));
  ThreadPool pool(1);
  PackedCache cache(folder_);
  LoadOptions options;
  options.packed = &cache;
  options.available_bytes = 1000;
  const auto refused = load_decoder(folder("dense"), options, pool);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::exhausted);
}

TEST_F(PackedCacheTest, WhatIsNotFiniteIsNotKept) {
  const fs::path model = copied("dense");
  write_at(model / "model.safetensors", -4, "\xff\xff\xff\xff");
  for (int start = 0; start < 2; ++start) {
    ThreadPool pool(1);
    PackedCache cache(folder_);
    LoadOptions options;
    options.packed = &cache;
    const auto refused = load_decoder(model, options, pool);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind, ErrorKind::corrupt) << refused.error().message;
    cache.wait();
    EXPECT_TRUE(kept_files().empty());
  }
}

// Sets a variable of the environment while it lives.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    if (value == nullptr)
      ::unsetenv(name);
    else
      ::setenv(name, value, 1);
  }
  ~Variable() {
    if (before_)
      ::setenv(name_, before_->c_str(), 1);
    else
      ::unsetenv(name_);
  }

 private:
  const char* name_;
  std::optional<std::string> before_;
};

TEST(PackedFolder, ComesFromTheEnvironment) {
  const Variable home("HOME", "/home/me");
  const auto path = [](const char* own, const char* cache) {
    const Variable a("MELETE_PACKED_CACHE", own), b("XDG_CACHE_HOME", cache);
    const auto chosen = default_packed_folder();
    return chosen ? chosen->path.string() : "none";
  };
  EXPECT_EQ(path(nullptr, nullptr), "/home/me/.cache/melete/packed");
  EXPECT_EQ(path(nullptr, "/cache"), "/cache/melete/packed");
  EXPECT_EQ(path(nullptr, "relative"),
            "/home/me/.cache/melete/packed");  // the specification says to ignore it
  EXPECT_EQ(path("/own", "/cache"), "/own");
  EXPECT_EQ(path("off", "/cache"), "none");
  const Variable none("HOME", nullptr);
  EXPECT_EQ(path(nullptr, nullptr), "none");
}

}  // namespace
}  // namespace melete
