#include "catalogue/download.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/file.h"
#include "catalogue/digest.h"
#include "catalogue/hub.h"
#include "catalogue/test_server.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

std::string sha256(const std::string& text) {
  Digest digest("sha256");
  digest.add(text);
  return digest.hex();
}

std::string git_blob(const std::string& text) {
  Digest digest("sha1");
  digest.add(cat("blob ", text.size()) + std::string(1, '\0') + text);
  return digest.hex();
}

class DownloadTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name :
         {"http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"})
      ::unsetenv(name);
    folder_ = fs::path(testing::TempDir()) / cat("download_", ::getpid());
    fs::remove_all(folder_);
    for (int i = 0; i < 200000; ++i) body_ += static_cast<char>('a' + i * 7 % 26);
  }
  void TearDown() override { fs::remove_all(folder_); }

  Download request(const std::string& path) {
    return {server_.url() + path,
            folder_ / "sub/file.bin",
            static_cast<int64_t>(body_.size()),
            sha256(body_),
            {},
            {},
            "file"};
  }
  std::string part_text() { return read_file(folder_ / "sub/file.bin.part").value(); }

  TestServer server_;
  fs::path folder_;
  std::string body_;
};

TEST(DigestTest, KnownSums) {
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(git_blob(""), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
}

TEST_F(DownloadTest, FetchesOnceAndChecks) {
  server_.put("/f", {body_, "\"1\"", "", -1});
  ASSERT_TRUE(download(request("/f")).ok());
  EXPECT_EQ(read_file(folder_ / "sub/file.bin").value(), body_);
  EXPECT_FALSE(fs::exists(folder_ / "sub/file.bin.part"));
  EXPECT_FALSE(fs::exists(folder_ / "sub/file.bin.part.etag"));
  ASSERT_TRUE(download(request("/f")).ok());
  EXPECT_EQ(server_.requests().size(), 1u) << "a file that is there is not fetched again";
}

TEST_F(DownloadTest, GoesOnWhereItBroke) {
  server_.put("/f", {body_, "\"1\"", "", 70000});
  const Status broken = download(request("/f"));
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.error().kind, ErrorKind::unavailable) << broken.error().message;
  EXPECT_EQ(part_text().size(), 70000u);
  EXPECT_FALSE(fs::exists(folder_ / "sub/file.bin"));
  server_.put("/f", {body_, "\"1\"", "", -1});
  const Status whole = download(request("/f"));
  ASSERT_TRUE(whole.ok()) << whole.error().message;
  EXPECT_EQ(read_file(folder_ / "sub/file.bin").value(), body_);
  EXPECT_EQ(server_.bytes_sent(), static_cast<int64_t>(body_.size())) << "no byte twice";
  EXPECT_NE(server_.requests().back().find("Range: bytes=70000-"), std::string::npos);
}

TEST_F(DownloadTest, BeginsAgainIfTheServersFileChanged) {
  server_.put("/f", {std::string(body_.size(), 'x'), "\"old\"", "", 5000});
  ASSERT_FALSE(download(request("/f")).ok());
  server_.put("/f", {body_, "\"new\"", "", -1});
  const Status whole = download(request("/f"));
  ASSERT_TRUE(whole.ok()) << whole.error().message;
  EXPECT_EQ(read_file(folder_ / "sub/file.bin").value(), body_);
}

TEST_F(DownloadTest, RefusesWrongBytes) {
  server_.put("/f", {std::string(body_.size(), 'x'), "\"1\"", "", -1});
  const Status wrong = download(request("/f"));
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().kind, ErrorKind::corrupt);
  EXPECT_NE(wrong.error().message.find(sha256(body_)), std::string::npos) << wrong.error().message;
  EXPECT_FALSE(fs::exists(folder_ / "sub/file.bin"));
  EXPECT_FALSE(fs::exists(folder_ / "sub/file.bin.part"));
  server_.put("/short", {"abc", "\"1\"", "", -1});
  EXPECT_NE(download(request("/short")).error().message.find("must have 200000 bytes, got 3"),
            std::string::npos);
}

TEST_F(DownloadTest, AnOldWrongPartIsReplaced) {
  ASSERT_TRUE(write_file(folder_ / "sub/file.bin.part", std::string(body_.size(), 'y')).ok());
  server_.put("/f", {body_, "\"1\"", "", -1});
  const Status whole = download(request("/f"));
  ASSERT_TRUE(whole.ok()) << whole.error().message;
  EXPECT_EQ(read_file(folder_ / "sub/file.bin").value(), body_);
}

TEST_F(DownloadTest, NamesWhatIsWrongWithTheAddress) {
  EXPECT_EQ(download(request("/absent")).error().kind, ErrorKind::not_found);
  Download other = request("");
  other.url = "file:///etc/passwd";
  EXPECT_EQ(download(other).error().kind, ErrorKind::invalid_argument);
  other.url = "http://127.0.0.1:1/f";
  EXPECT_EQ(download(other).error().kind, ErrorKind::unavailable);
  server_.put("/elsewhere", {"", "", "file:///etc/passwd", -1});
  EXPECT_FALSE(download(request("/elsewhere")).ok());
  EXPECT_FALSE(fs::exists(folder_ / "sub/file.bin"));
}

TEST_F(DownloadTest, TheTokenGoesToTheFirstHostOnly) {
  TestServer other;
  other.put("/g", {body_, "\"1\"", "", -1});
  server_.put("/f", {"", "", other.url() + "/g", -1});
  Download with_token = request("/f");
  with_token.token = "secret";
  const Status whole = download(with_token);
  ASSERT_TRUE(whole.ok()) << whole.error().message;
  EXPECT_NE(server_.requests().at(0).find("Authorization: Bearer secret"), std::string::npos);
  EXPECT_EQ(other.requests().at(0).find("secret"), std::string::npos);
}

TEST_F(DownloadTest, LongAnswersAreRefused) {
  server_.put("/f", {body_, "\"1\"", "", -1});
  EXPECT_EQ(fetch_text(server_.url() + "/f", "", 1000).error().kind, ErrorKind::exhausted);
  EXPECT_EQ(fetch_text(server_.url() + "/f", "", 1 << 20).value(), body_);
}

class HubTest : public DownloadTest {
 protected:
  void SetUp() override {
    DownloadTest::SetUp();
    ::setenv("HF_ENDPOINT", server_.url().c_str(), 1);
    ::setenv("HF_TOKEN", "secret", 1);
  }
  void TearDown() override {
    ::unsetenv("HF_ENDPOINT");
    ::unsetenv("HF_TOKEN");
    DownloadTest::TearDown();
  }
  std::string lfs(const std::string& path, const std::string& text) {
    server_.put("/o/r/resolve/main/" + path, {text, "\"" + path + "\"", "", -1});
    return cat(R"({"type":"file","path":")", path, R"(","size":130,"oid":"0","lfs":{"oid":")", sha256(text),
               R"(","size":)", text.size(), "}}");
  }
  std::string plain(const std::string& path, const std::string& text) {
    server_.put("/o/r/resolve/main/" + path, {text, "\"" + path + "\"", "", -1});
    return cat(R"({"type":"file","path":")", path, R"(","size":)", text.size(), R"(,"oid":")", git_blob(text),
               "\"}");
  }
  void put_list(const std::vector<std::string>& entries) {
    std::string list;
    for (const std::string& entry : entries) list += (list.empty() ? "" : ",") + entry;
    server_.put("/api/models/o/r/tree/main?recursive=true", {"[" + list + "]", "\"l\"", "", -1});
  }
  Result<LocalModel> fetch(const std::string& name, const std::string& local = "") {
    return fetch_from_hub(parse_hub_name(name).value(), ModelsFolder::at(folder_.string()).value(), local,
                          "");
  }
};

TEST_F(HubTest, TakesTheBestGguf) {
  put_list({plain("README.md", "hi"), lfs("m-Q4_K_M.gguf", "four"), lfs("m-Q8_0.gguf", "eight"),
            lfs("m-f16.gguf", "half")});
  const auto model = fetch("hf:o/r");
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_EQ(model->name, "m-Q8_0");
  EXPECT_EQ(read_file(model->path).value(), "eight");
  EXPECT_NE(server_.requests().at(0).find("Bearer secret"), std::string::npos);
  const auto other = fetch("hf:o/r/m-Q4_K_M.gguf", "mine");
  ASSERT_TRUE(other.ok()) << other.error().message;
  EXPECT_EQ(other->path, folder_ / "mine.gguf");
  EXPECT_NE(fetch("hf:o/r/none.gguf").error().message.find("m-Q8_0.gguf"), std::string::npos)
      << "names what is there";
}

TEST_F(HubTest, TakesAllPartsOfASplitModel) {
  put_list({lfs("q/m-00001-of-00002.gguf", "one"), lfs("q/m-00002-of-00002.gguf", "two")});
  const auto model = fetch("hf:o/r", "big");
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_EQ(model->path, folder_ / "big-00001-of-00002.gguf");
  EXPECT_EQ(read_file(folder_ / "big-00002-of-00002.gguf").value(), "two");
}

TEST_F(HubTest, TakesAFolderOfSafetensorsWithItsTexts) {
  put_list({plain("config.json", "{}"), plain("tokenizer.json", "{}"), lfs("model.safetensors", "weights"),
            lfs("pytorch_model.bin", "old"), plain("../evil.json", "x"), plain("sub/other.json", "x")});
  const auto model = fetch("hf:o/r");
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_EQ(model->path, folder_ / "r");
  EXPECT_EQ(read_file(folder_ / "r/model.safetensors").value(), "weights");
  EXPECT_FALSE(fs::exists(folder_ / "r/pytorch_model.bin"));
  EXPECT_FALSE(fs::exists(folder_ / "evil.json"));
  EXPECT_FALSE(fs::exists(folder_ / "r/other.json"));
}

TEST_F(HubTest, ChecksTheHubsSums) {
  put_list({plain("config.json", "{}"), lfs("model.safetensors", "weights")});
  server_.put("/o/r/resolve/main/config.json", {"[]", "\"1\"", "", -1});
  const auto model = fetch("hf:o/r");
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.error().kind, ErrorKind::corrupt);
  EXPECT_TRUE(ModelsFolder::at(folder_.string()).value().list().empty());
}

TEST(HubNames, AreCheckedBeforeAnythingIsAsked) {
  EXPECT_EQ(parse_hub_name("hf:a/b").value().repo, "b");
  EXPECT_EQ(parse_hub_name("a/b/c/d.gguf").value().file, "c/d.gguf");
  for (const char* bad :
       {"", "a", "hf:a", "hf:/b", "hf:a/", "hf:a/../b", "hf:a/b/", "hf:a/b/../c", "hf:a b/c", "hf:a/b?x"})
    EXPECT_FALSE(parse_hub_name(bad).ok()) << bad;
}

}  // namespace
}  // namespace melete
