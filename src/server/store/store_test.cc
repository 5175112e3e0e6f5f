// The data folder under deletion, kill -9, two programs, a full disk and a folder that can't be written.
#include "server/store/store.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "server/store/secret.h"
#include "server/store/test_store.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

Event delta(uint64_t seq, const std::string& text) { return {seq, 0, "agent.delta", 0, {{"text", text}}}; }

// Empty if the database is whole: SQLite's own check, foreign keys and the search index.
std::string damage(Database& database) {
  for (const char* check : {"PRAGMA integrity_check", "PRAGMA foreign_key_check"}) {
    Statement rows = ok(database.prepare("checking", check));
    while (ok(rows.step()))
      if (rows.text(0) != "ok") return rows.text(0);
  }
  for (const char* index : {"message_search", "title_search"}) {
    const auto checked = database.run(
        "checking", cat("INSERT INTO ", index, "(", index, ", rank) VALUES ('integrity-check', 1)"));
    if (!checked.ok()) return checked.error().message;
  }
  return "";
}

TEST(Store, WhatIsDeletedIsGoneFromTheDisk) {
  TestStore test;
  Conversations all = test.store->conversations(kTestOwner);
  Files files = test.store->files(kTestOwner);
  EventLogs& logs = test.store->event_logs();
  std::vector<std::string> kept, deleted, canaries;
  for (int i = 0; i < 60; ++i) {
    // Of letters only, so that an index takes it as one word.
    std::string canary;
    for (const char c : new_id("x").substr(2)) canary += static_cast<char>(c <= '9' ? c - '0' + 'g' : c);
    const std::string id = ok(all.create("title" + canary)).id;
    const std::string file = ok(files.put("bytes" + canary, "name" + canary, "")).id;
    std::string parent;
    for (int m = 0; m < 8; ++m)
      parent = ok(all.add(id, {parent,
                               "user",
                               canary + std::string(static_cast<size_t>(200 * m), 'x'),
                               {{"m", canary}},
                               {file}}))
                   .id;
    const auto log = ok(logs.create(kTestOwner, {id, ""}));
    log->put(delta(0, canary));
    ASSERT_TRUE(logs.finish(*log, "completed").ok());
    (i % 3 == 0 ? kept : deleted).push_back(id);
    if (i % 3 != 0) canaries.push_back(canary);
  }
  const std::string response =
      ok(test.store->responses(kTestOwner).create({"", "", "completed", "m", "inputcanary", "outputcanary"}))
          .id;
  ASSERT_NE(folder_bytes(test.folder.path()).find(canaries[0].substr(8)), std::string::npos);
  for (const std::string& id : deleted) ASSERT_TRUE(all.remove(id).ok());
  ASSERT_TRUE(test.store->responses(kTestOwner).remove(response).ok());
  ASSERT_TRUE(ok(test.store->erase_garbage()));
  const std::string left = folder_bytes(test.folder.path());
  for (const std::string& canary : canaries) {
    EXPECT_EQ(left.find(canary.substr(8)), std::string::npos);
    EXPECT_EQ(left.find(canary.substr(0, 12)), std::string::npos);
  }
  EXPECT_EQ(left.find("putcanary"), std::string::npos);
  for (const std::string& id : kept) EXPECT_EQ(ok(all.tree(id)).size(), 8u);
  EXPECT_EQ(ok(files.list()).size(), kept.size());
  EXPECT_EQ(damage(test.store->database()), "");
}

TEST(Store, AServerUnlinksBytesThatNoRowKnows) {
  TestStore test;
  const fs::path folder = test.store->folder();
  const std::string file = ok(test.store->files(kTestOwner).put("kept", "", "")).id;
  const std::string answer = ok(test.store->event_logs().create(kTestOwner))->id();
  for (const char* stray : {"files/1/ab/abcd", "files/9/ab/abcd", "events/1/ans_x.jsonl",
                            "files/1/ab/old.Xy12Zw", "files/1/ab/new.Xy12Zw"})
    ASSERT_TRUE(write_file(folder / stray, "stray").ok());
  fs::last_write_time(folder / "files/1/ab/old.Xy12Zw",
                      fs::file_time_type::clock::now() - std::chrono::hours(2));
  ASSERT_TRUE(test.store->claim().ok());
  EXPECT_EQ(ok(test.store->files(kTestOwner).read(file)), "kept");
  EXPECT_TRUE(test.store->event_logs().read(kTestOwner, answer).ok());
  std::vector<std::string> left;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && ok(read_file(entry.path())) == "stray")
      left.push_back(entry.path().filename());
  EXPECT_EQ(left, std::vector<std::string>{"new.Xy12Zw"});  // it may be in the making
}

TEST(Store, AUserIsDeletedWithEverything) {
  TestStore test;
  const OwnerId other = TestStore::kOther;
  const std::string id = ok(test.store->conversations(other).create("canarytitle")).id;
  const std::string file = ok(test.store->files(other).put("canarybytes", "", "")).id;
  ok(test.store->conversations(other).add(id, {"", "user", "canarytext", Json::object(), {file}}));
  const auto log = ok(test.store->event_logs().create(other));
  log->put(delta(0, "canarylog"));
  ASSERT_TRUE(test.store->event_logs().finish(*log, "completed").ok());
  ok(test.store->database().run("deleting a user", "DELETE FROM users WHERE id = ?1", other));
  ASSERT_TRUE(ok(test.store->erase_garbage()));
  EXPECT_EQ(folder_bytes(test.folder.path()).find("canary"), std::string::npos);
  EXPECT_EQ(damage(test.store->database()), "");
}

TEST(Store, ErasesInTheBackgroundAndAfterAKill) {
  TestFolder folder;
  {
    StoreOptions options;
    options.erase_in_background = false;
    const auto store = ok(Store::open(folder.path() / "data", options));
    ASSERT_TRUE(store->conversations(kTestOwner)
                    .remove(ok(store->conversations(kTestOwner).create("canarytitle")).id)
                    .ok());
  }
  ASSERT_NE(folder_bytes(folder.path()).find("canary"), std::string::npos);
  const auto store = ok(Store::open(folder.path() / "data"));
  const auto begin = std::chrono::steady_clock::now();
  while (folder_bytes(folder.path()).find("canary") != std::string::npos) {
    ASSERT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60)) << "never erased";
    ::usleep(20'000);
  }
}

// Runs `body` in a child that ends with _exit, so that nothing is tidied up.
template <class Body>
pid_t spawn(const Body& body) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  body();
  ::_exit(0);
}

int status_of(pid_t child) {
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}

// Writes messages, logs and files until killed, and tells the pipe which message is kept. Every fifth time it
// deletes the oldest message.
void write_for_ever(const fs::path& folder, int fd) {
  const auto store = ok(Store::open(folder));
  Conversations all = store->conversations(kTestOwner);
  const std::string id = ok(all.create("kill")).id;
  const auto log = ok(store->event_logs().create(kTestOwner, {id, ""}));
  for (uint64_t n = 0;; ++n) {
    const std::string file = ok(store->files(kTestOwner).put(cat("file ", id, n), "", "")).id;
    const std::string message = ok(all.add(id, {"", "user", cat("text", n), Json::object(), {file}})).id;
    log->put(delta(n, "x"));
    const std::string line = id + " " + message + "\n";
    if (::write(fd, line.data(), line.size()) < 0) return;
    if (n % 5 == 4) ok(all.remove_message(id, ok(all.tree(id)).at(0).id));
  }
}

TEST(Store, KilledAtAnyMomentItKeepsWhatItSaid) {
  TestFolder folder;
  ok(Store::open(folder.path() / "data"));
  for (int round = 0; round < 10; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = spawn([&] { write_for_ever(folder.path() / "data", ends[1]); });
    ::close(ends[1]);
    // Killed after some lines, in the midst of whatever it does then.
    std::string said;
    char buffer[4096];
    while (std::count(said.begin(), said.end(), '\n') < 2 + round) {
      const ssize_t n = ::read(ends[0], buffer, sizeof buffer);
      ASSERT_GT(n, 0);
      said.append(buffer, static_cast<size_t>(n));
    }
    ::kill(child, SIGKILL);
    for (ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
      said.append(buffer, static_cast<size_t>(n));
    ::close(ends[0]);
    EXPECT_TRUE(WIFSIGNALED(status_of(child)));
    const auto store = ok(Store::open(folder.path() / "data"));
    ASSERT_TRUE(store->claim().ok());
    EXPECT_EQ(damage(store->database()), "");
    const std::string last = said.substr(said.rfind('\n', said.size() - 2) + 1);
    const std::string id = last.substr(0, last.find(' ')),
                      message = last.substr(id.size() + 1, last.size() - id.size() - 2);
    EXPECT_TRUE(store->files(kTestOwner)
                    .read(ok(store->conversations(kTestOwner).message(id, message)).files.at(0))
                    .ok());
    for (const StoredFile& file : ok(store->files(kTestOwner).list()))
      EXPECT_TRUE(store->files(kTestOwner).read(file.id).ok());
    for (const AnswerInfo& answer : ok(store->event_logs().list(kTestOwner))) {
      EXPECT_TRUE(store->event_logs().read(kTestOwner, answer.id).ok());
      EXPECT_EQ(answer.status, "interrupted");
    }
    EXPECT_TRUE(ok(store->erase_garbage()));
  }
}

TEST(Store, TwoProgramsWriteAtOnceAndOneServes) {
  TestFolder folder;
  const fs::path data = folder.path() / "data";
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = spawn([&] {  // before we open it: connections don't survive a fork
    char go = 0;
    if (::read(ends[0], &go, 1) != 1) ::_exit(2);
    const auto other = ok(Store::open(data));
    if (kind_of(other->claim()) != "unavailable") ::_exit(1);
    Conversations all = other->conversations(kTestOwner);
    for (int i = 0; i < 100; ++i) ok(all.add(ok(all.create("child")).id, {"", "user", "hello"}));
  });
  const auto store = ok(Store::open(data));
  ASSERT_TRUE(store->claim().ok());
  ASSERT_EQ(::write(ends[1], "g", 1), 1);
  Conversations all = store->conversations(kTestOwner);
  for (int i = 0; i < 100; ++i) ok(all.add(ok(all.create("parent")).id, {"", "user", "hello"}));
  EXPECT_EQ(status_of(child), 0);
  EXPECT_EQ(ok(all.list(1000)).conversations.size(), 200u);
  EXPECT_EQ(damage(store->database()), "");
}

// In a child, since a limit on files' sizes holds for a whole process: every write above it fails as on a
// full disk.
TEST(Store, AFullDiskIsAClearErrorAndLosesNothing) {
  TestFolder folder;
  const fs::path data = folder.path() / "data";
  const pid_t child = spawn([&] {
    const auto store = ok(Store::open(data));
    Conversations all = store->conversations(kTestOwner);
    const std::string id = ok(all.create("before")).id;
    ok(all.add(id, {"", "user", "before"}));
    const auto log = ok(store->event_logs().create(kTestOwner));
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{600'000, 600'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    std::string kind = "ok";
    for (int i = 0; i < 1000 && kind == "ok"; ++i) {
      const auto added = all.add(id, {"", "user", std::string(10'000, 'x')});
      kind = kind_of(added);
      if (!added.ok() && added.error().message.find("disk") == std::string::npos) ::_exit(2);
    }
    if (kind != "unavailable") ::_exit(3);
    if (kind_of(store->files(kTestOwner).put(std::string(700'000, 'x'), "", "")) != "unavailable") ::_exit(4);
    for (uint64_t n = 0; n < 100; ++n) log->put(delta(n, std::string(10'000, 'x')));
    if (kind_of(store->event_logs().finish(*log, "completed")) == "ok") ::_exit(5);
  });
  EXPECT_EQ(status_of(child), 0);
  const auto store = ok(Store::open(data));
  EXPECT_EQ(damage(store->database()), "");
  Conversations all = store->conversations(kTestOwner);
  const ConversationInfo info = ok(all.list(10)).conversations.at(0);
  EXPECT_EQ(info.title, "before");
  EXPECT_GE(info.num_messages, 2);
  EXPECT_TRUE(all.add(info.id, {"", "user", "after"}).ok());
  EXPECT_TRUE(ok(store->files(kTestOwner).list()).empty());
  const AnswerInfo answer = ok(store->event_logs().list(kTestOwner)).at(0);
  const size_t num_events = ok(store->event_logs().read(kTestOwner, answer.id)).size();
  EXPECT_GT(num_events, 10u);
  EXPECT_LT(num_events, 100u);
}

TEST(Store, AFolderThatCannotBeWrittenIsAClearError) {
  TestFolder folder;
  const fs::path data = folder.path() / "data";
  ok(Store::open(data));
  const bool root = ::geteuid() == 0;
  if (root && ::mount(data.c_str(), data.c_str(), nullptr, MS_BIND, nullptr) != 0)
    GTEST_SKIP() << "may not mount";
  if (root)
    ASSERT_EQ(::mount(nullptr, data.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr), 0);
  else
    fs::permissions(data / "melete.db", fs::perms::owner_read);
  const auto refused = Store::open(data);
  if (root) ::umount(data.c_str());
  ASSERT_EQ(kind_of(refused), "unavailable");
  EXPECT_NE(refused.error().message.find("written"), std::string::npos);
  ASSERT_TRUE(write_file(folder.path() / "file", "x").ok());
  EXPECT_EQ(kind_of(Store::open(folder.path() / "file/data")), "unavailable");
}

TEST(Store, FoldersAreForTheirOwnerOnly) {
  TestStore test;
  for (const char* name : {"files", "events"})
    EXPECT_EQ(fs::status(test.store->folder() / name).permissions(), fs::perms::owner_all) << name;
}

}  // namespace
}  // namespace melete
