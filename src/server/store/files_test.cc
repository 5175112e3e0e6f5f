#include "server/store/files.h"

#include <gtest/gtest.h>

#include <thread>

#include "server/store/test_store.h"

namespace melete {
namespace {

TEST(Files, TheSameBytesAreKeptOnceAnOwner) {
  TestStore test;
  Files mine = test.store->files(kTestOwner), theirs = test.store->files(TestStore::kOther);
  const StoredFile file = ok(mine.put("hello", "../../etc/pass\nwd", "text/x-greeting; charset=utf-8"));
  EXPECT_EQ(file.name, "../../etc/passwd");
  EXPECT_EQ(file.type, "text/x-greeting");
  EXPECT_EQ(file.bytes, 5);
  EXPECT_EQ(ok(mine.put("hello", "b.txt", "")).id, file.id);
  EXPECT_EQ(ok(mine.list()).size(), 1u);
  EXPECT_EQ(ok(mine.get(file.id)).name, "b.txt");
  EXPECT_EQ(ok(mine.read(file.id)), "hello");
  EXPECT_EQ(ok(mine.total_bytes()), 5);
  EXPECT_EQ(kind_of(theirs.read(file.id)), "not_found");
  EXPECT_EQ(kind_of(theirs.remove(file.id)), "not_found");
  EXPECT_EQ(ok(theirs.put("hello", "", "")).id, file.id);
  ASSERT_TRUE(mine.remove(file.id).ok());
  ASSERT_TRUE(ok(test.store->erase_garbage()));
  EXPECT_EQ(kind_of(mine.read(file.id)), "not_found");
  EXPECT_EQ(ok(theirs.read(file.id)), "hello");
}

TEST(Files, BytesTellTheirType) {
  TestStore test;
  Files files = test.store->files(kTestOwner);
  EXPECT_EQ(
      ok(files.put(std::string("\x89PNG\r\n\x1a\n") + std::string(30, '\0'), "page.html", "text/html")).type,
      "image/png");
  EXPECT_EQ(ok(files.put("<html>", "a.png", "image/png")).type, "text/plain");
  EXPECT_EQ(ok(files.put("plain text", "", "")).type, "text/plain");
  EXPECT_EQ(ok(files.put(std::string("\0\1\2", 3), "", "")).type, "application/octet-stream");
  for (const char* wrong : {"text", "a/b/c", "text/\r\nX: y", "/", "a b/c"})
    EXPECT_EQ(kind_of(files.put("x", "", wrong)), "invalid_argument") << wrong;
}

TEST(Files, LimitsHold) {
  TestStore test;
  FileLimits limits;
  limits.max_file_bytes = 10;
  limits.max_owner_bytes = 15;
  limits.max_owner_files = 3;
  Files files(test.store->database(), kTestOwner, test.folder.path() / "limited", system_time_ms, limits);
  EXPECT_EQ(kind_of(files.put(std::string(11, 'x'), "", "")), "exhausted");
  ok(files.put(std::string(10, 'x'), "", ""));
  EXPECT_EQ(kind_of(files.put(std::string(6, 'y'), "", "")), "exhausted");
  ok(files.put(std::string(10, 'x'), "", ""));  // there already
  ok(files.put("a", "", ""));
  ok(files.put("b", "", ""));
  EXPECT_EQ(kind_of(files.put("c", "", "")), "exhausted");
}

TEST(Files, LiveAsLongAsSomethingRefersToThem) {
  TestStore test;
  Files files = test.store->files(kTestOwner);
  Conversations all = test.store->conversations(kTestOwner);
  Responses responses = test.store->responses(kTestOwner);
  const std::string file = ok(files.put("shared", "a", "")).id, loose = ok(files.put("loose", "b", "")).id;
  const std::string one = ok(all.create("")).id, two = ok(all.create("")).id;
  const std::string message = ok(all.add(one, {"", "user", "see", Json::object(), {file}})).id;
  ok(all.add(two, {"", "user", "see", Json::object(), {file}}));
  const std::string response = ok(responses.create({"", "", "completed", "m", {}, {}, {file}})).id;
  EXPECT_EQ(ok(files.get(file)).num_references, 3);
  EXPECT_EQ(kind_of(files.remove(file)), "invalid_argument");
  ASSERT_TRUE(all.remove_message(one, message).ok());
  ASSERT_TRUE(all.remove(two).ok());
  test.now_ms += kDayMs;
  EXPECT_EQ(ok(test.store->remove_unused_files()), 1);
  EXPECT_EQ(kind_of(files.get(loose)), "not_found");
  EXPECT_EQ(ok(files.read(file)), "shared");
  ASSERT_TRUE(responses.remove(response).ok());
  EXPECT_EQ(kind_of(files.get(file)), "not_found");
  ASSERT_TRUE(ok(test.store->erase_garbage()));
  EXPECT_FALSE(std::filesystem::exists(file_path(test.store->folder() / "files/1", file)));
  // Put again it is there again, also when its old bytes are still to be erased.
  ok(files.put("shared", "a", ""));
  ASSERT_TRUE(files.remove(file).ok());
  ok(files.put("shared", "a", ""));
  ASSERT_TRUE(ok(test.store->erase_garbage()));
  EXPECT_EQ(ok(files.read(file)), "shared");
}

TEST(Files, ChangedBytesAreNoticed) {
  TestStore test;
  Files files = test.store->files(kTestOwner);
  const std::string id = ok(files.put("hello", "", "")).id;
  ASSERT_TRUE(write_file(file_path(test.store->folder() / "files/1", id), "jello").ok());
  EXPECT_EQ(kind_of(files.read(id)), "corrupt");
}

TEST(Files, PuttingAndErasingAtOnceNeverLosesBytes) {
  TestStore test;
  std::thread eraser([&] {
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(test.store->erase_garbage().ok());
  });
  Files files = test.store->files(kTestOwner);
  for (int i = 0; i < 50; ++i) {
    const std::string id = ok(files.put("again", "", "")).id;
    EXPECT_EQ(ok(files.read(id)), "again");
    EXPECT_TRUE(files.remove(id).ok());
  }
  eraser.join();
}

}  // namespace
}  // namespace melete
