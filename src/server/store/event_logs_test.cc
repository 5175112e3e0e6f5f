#include "server/store/event_logs.h"

#include <gtest/gtest.h>

#include "server/store/test_store.h"

namespace melete {
namespace {

Event delta(uint64_t seq) {
  return {seq, 0, "agent.delta", static_cast<int64_t>(seq), {{"text", std::to_string(seq)}}};
}

std::filesystem::path path_of(TestStore& test, const std::string& id) {
  return event_log_path(test.store->folder() / "events/1", id);
}

TEST(EventLogs, ReadersSeeEveryEventFromANumberOn) {
  TestStore test;
  EventLogs& logs = test.store->event_logs();
  const auto log = ok(logs.create(kTestOwner));
  for (uint64_t i = 0; i < 10; ++i) {
    log->put(delta(i));
    EXPECT_EQ(ok(logs.read(kTestOwner, log->id())).size(), i + 1);
  }
  const std::vector<Event> rest = ok(logs.read(kTestOwner, log->id(), 7));
  ASSERT_EQ(rest.size(), 3u);
  EXPECT_EQ(rest[0].seq, 7u);
  EXPECT_EQ(rest[2].data["text"], "9");
  EXPECT_TRUE(ok(logs.read(kTestOwner, log->id(), 10)).empty());
  EXPECT_EQ(ok(logs.get(kTestOwner, log->id())).status, "running");
  ASSERT_TRUE(logs.finish(*log, "completed").ok());
  EXPECT_EQ(ok(logs.get(kTestOwner, log->id())).status, "completed");
  EXPECT_EQ(kind_of(logs.read(TestStore::kOther, log->id())), "not_found");
  EXPECT_EQ(kind_of(logs.read(kTestOwner, "../../melete.db")), "not_found");
  EXPECT_EQ(kind_of(logs.create(kTestOwner, {}, "../up")), "invalid_argument");
  EXPECT_EQ(kind_of(logs.create(kTestOwner, {}, log->id())), "invalid_argument");
  EXPECT_EQ(kind_of(logs.create(kTestOwner, {"conv_0", ""})), "invalid_argument");
}

// The file is read as another process would see it: nothing flushes for us.
TEST(EventLogs, WhatWasPutReachesTheFileByItself) {
  TestStore test;
  const auto log = ok(test.store->event_logs().create(kTestOwner));
  const auto written = [&] {
    return ok(parse_events(ok(read_file(path_of(test, log->id()))), "log")).size();
  };
  log->put(delta(0));
  EXPECT_EQ(written(), 1u) << "the first one is there before anyone can be told of it";
  for (uint64_t i = 1; i < 100; ++i) log->put(delta(i));
  const auto begin = std::chrono::steady_clock::now();
  while (written() < 100)
    ASSERT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20)) << "never written";
}

TEST(EventLogs, ALogCutAnywhereIsAPrefix) {
  TestStore test;
  EventLogs& logs = test.store->event_logs();
  const auto log = ok(logs.create(kTestOwner));
  for (uint64_t i = 0; i < 5; ++i) log->put(delta(i));
  ASSERT_TRUE(logs.finish(*log, "completed").ok());
  const std::string whole = ok(read_file(path_of(test, log->id())));
  for (size_t cut = 0; cut <= whole.size(); ++cut) {
    ASSERT_TRUE(write_file(path_of(test, log->id()), whole.substr(0, cut)).ok());
    const std::vector<Event> events = ok(logs.read(kTestOwner, log->id()));
    EXPECT_EQ(events.size(), static_cast<size_t>(std::count(
                                 whole.begin(), whole.begin() + static_cast<ptrdiff_t>(cut), '\n')));
  }
}

TEST(EventLogs, GoWithTheirConversation) {
  TestStore test;
  EventLogs& logs = test.store->event_logs();
  Conversations all = test.store->conversations(kTestOwner);
  const std::string id = ok(all.create("")).id;
  const auto log = ok(logs.create(kTestOwner, {id, ""}));
  log->put(delta(0));
  log->flush();
  ASSERT_TRUE(all.remove(id).ok());
  EXPECT_EQ(kind_of(logs.read(kTestOwner, log->id())), "not_found");
  ASSERT_TRUE(ok(test.store->erase_garbage()));
  EXPECT_FALSE(std::filesystem::exists(path_of(test, log->id())));
  log->put(delta(1));  // the answer may go on
  EXPECT_EQ(kind_of(logs.finish(*log, "completed")), "not_found");
  EXPECT_FALSE(std::filesystem::exists(path_of(test, log->id())));
}

TEST(EventLogs, GoWithTheMessageThatTheyBelongTo) {
  TestStore test;
  EventLogs& logs = test.store->event_logs();
  Conversations all = test.store->conversations(kTestOwner);
  const std::string id = ok(all.create("")).id;
  const auto answer = [&](const std::string& to) {
    const auto log = ok(logs.create(kTestOwner, {id, ""}));
    log->put(delta(0));
    ok(logs.finish(*log, "completed"));
    ok(all.add(id, {to, "assistant", "yes", {{"answer", log->id()}}}));
    return log->id();
  };
  const std::string kept = ok(all.add(id, {"", "user", "a"})).id,
                    gone = ok(all.add(id, {"", "user", "b"})).id;
  const std::string kept_answer = answer(kept), gone_answer = answer(gone), other_answer = answer(gone);
  ASSERT_TRUE(all.remove_message(id, gone).ok());
  EXPECT_EQ(ok(logs.list(kTestOwner)).size(), 1u);
  EXPECT_EQ(ok(logs.read(kTestOwner, kept_answer)).size(), 1u);
  ASSERT_TRUE(ok(test.store->erase_garbage()));
  EXPECT_TRUE(std::filesystem::exists(path_of(test, kept_answer)));
  EXPECT_FALSE(std::filesystem::exists(path_of(test, gone_answer)));
  EXPECT_FALSE(std::filesystem::exists(path_of(test, other_answer)));
}

TEST(EventLogs, AServerFindsWhatAFormerOneLeftRunning) {
  TestStore test;
  const std::string id = ok(test.store->event_logs().create(kTestOwner))->id();
  const std::string response =
      ok(test.store->responses(kTestOwner).create({"", "", "in_progress", "m", {}, {}, {}})).id;
  test.open();
  EXPECT_EQ(ok(test.store->event_logs().get(kTestOwner, id)).status, "running");
  ASSERT_TRUE(test.store->claim().ok());
  EXPECT_EQ(ok(test.store->event_logs().get(kTestOwner, id)).status, "interrupted");
  EXPECT_EQ(ok(test.store->responses(kTestOwner).get(response)).status, "failed");
}

TEST(EventLogs, AreListedOldestFirstAndComeBackFromText) {
  TestStore test;
  EventLogs& logs = test.store->event_logs();
  const auto log = ok(logs.create(kTestOwner));
  log->put(delta(0));
  const std::string text = ok(logs.read_text(kTestOwner, log->id()));
  ASSERT_TRUE(logs.import(TestStore::kOther, {"ans_x", {}, "completed", 5}, text).ok());
  EXPECT_EQ(ok(logs.read(TestStore::kOther, "ans_x")).size(), 1u);
  EXPECT_EQ(ok(logs.list(TestStore::kOther)).at(0).created_ms, 5);
  EXPECT_EQ(kind_of(logs.import(TestStore::kOther, {"ans_y", {}, "completed", 5}, "{}\n")), "corrupt");
  EXPECT_EQ(ok(logs.list(TestStore::kOther)).size(), 1u);
}

TEST(Responses, AreChained) {
  TestStore test;
  Responses mine = test.store->responses(kTestOwner), theirs = test.store->responses(TestStore::kOther);
  const StoredResponse a =
      ok(mine.create({"", "", "completed", "m", {{"input", "a"}}, Json::array({1}), {}}));
  const StoredResponse b =
      ok(mine.create({"", a.id, "in_progress", "m", {{"input", "b"}}, Json::array(), {}}));
  ASSERT_TRUE(mine.update(b.id, "completed", Json::array({2})).ok());
  const std::vector<StoredResponse> chain = ok(mine.chain(b.id));
  ASSERT_EQ(chain.size(), 2u);
  EXPECT_EQ(chain[0].request["input"], "a");
  EXPECT_EQ(chain[1].output, Json::array({2}));
  EXPECT_EQ(chain[1].status, "completed");
  EXPECT_EQ(kind_of(mine.chain(b.id, 1)), "exhausted");
  EXPECT_EQ(kind_of(mine.update(b.id, "done", {})), "invalid_argument");
  EXPECT_EQ(kind_of(mine.create({a.id, "", "completed", "m", {}, {}, {}})), "invalid_argument");
  EXPECT_EQ(kind_of(mine.create({"", "resp_0", "completed", "m", {}, {}, {}})), "not_found");
  EXPECT_EQ(kind_of(mine.create({"", "", "completed", "m", {}, {}, {"file_0"}})), "not_found");
  EXPECT_EQ(kind_of(theirs.get(a.id)), "not_found");
  EXPECT_EQ(kind_of(theirs.update(a.id, "failed", {})), "not_found");
  EXPECT_EQ(kind_of(theirs.remove(a.id)), "not_found");
  EXPECT_EQ(kind_of(theirs.create({"", a.id, "completed", "m", {}, {}, {}})), "not_found");
  EXPECT_TRUE(ok(theirs.list()).empty());
  ASSERT_TRUE(mine.remove(a.id).ok());
  EXPECT_EQ(kind_of(mine.chain(b.id)), "not_found");
  EXPECT_EQ(ok(mine.list()).size(), 1u);
}

}  // namespace
}  // namespace melete
