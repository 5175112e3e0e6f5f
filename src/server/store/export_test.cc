#include "server/store/export.h"

#include <gtest/gtest.h>

#include "server/store/test_store.h"

namespace melete {
namespace {

std::string json_of(Store& store, OwnerId owner) {
  std::string text;
  EXPECT_TRUE(export_json(store, owner, {{"name", "local"}}, [&](std::string_view piece) {
                text += piece;
                return ok_status();
              }).ok());
  return text;
}

// Two branches, a file, a chain of responses whose first is gone, and an answer's log.
void fill(TestStore& test) {
  Conversations all = test.store->conversations(kTestOwner);
  const std::string id = ok(all.create("Fruit & <b>veg</b>")).id;
  const std::string file =
      ok(test.store->files(kTestOwner).put(std::string("\0\xff<x>", 5), "a\"><i>.bin", "")).id;
  test.now_ms += 5;
  const std::string question =
      ok(all.add(id, {"", "user", "<script>alert(1)</script>", Json::object(), {file}})).id;
  const Json parts = Json::array({{{"type", "text"}, {"text", "shown"}}, {{"type", "chart\""}}});
  ok(all.add(id, {question, "assistant", parts, {{"model", "nano"}}}));
  ok(all.edit(id, question, "edited"));
  ASSERT_TRUE(all.select(id, question).ok());
  ASSERT_TRUE(all.pin(id, true).ok());
  Responses responses = test.store->responses(kTestOwner);
  const std::string gone =
      ok(responses.create({"", "", "completed", "nano", {{"input", "a"}}, Json::array()})).id;
  ok(responses.create({"", gone, "completed", "nano", {{"input", "b"}}, Json::array(), {file}}));
  ASSERT_TRUE(responses.remove(gone).ok());
  const auto log = ok(test.store->event_logs().create(kTestOwner, {id, ""}));
  log->put({0, 0, "agent.delta", 1, {{"text", "x"}}});
  ASSERT_TRUE(test.store->event_logs().finish(*log, "completed").ok());
}

Json parsed(const std::string& text) { return ok(parse_json(text, "test")); }

TEST(Export, ComesBackTheSameElsewhereAndTwice) {
  TestStore from, to;
  fill(from);
  const std::string text = json_of(*from.store, kTestOwner);
  for (int i = 0; i < 2; ++i) {
    const ImportCounts counts = ok(import_json(*to.store, TestStore::kOther, text, "export"));
    EXPECT_EQ(counts.conversations, 1);
    Json again = parsed(json_of(*to.store, TestStore::kOther)), before = parsed(text);
    // When a file was uploaded is not a property of its bytes.
    for (Json* each : {&again, &before}) (*each)["files"][0].erase("created_ms");
    EXPECT_EQ(again, before);
  }
  EXPECT_TRUE(ok(to.store->conversations(kTestOwner).list(10)).conversations.empty());
  EXPECT_EQ(ok(to.store->conversations(TestStore::kOther).search("edited")).size(), 1u);
}

TEST(Export, AnImportAddsWhatIsMissingAndKeepsTheRest) {
  TestStore test;
  fill(test);
  const std::string text = json_of(*test.store, kTestOwner);
  Conversations all = test.store->conversations(kTestOwner);
  const ConversationInfo info = ok(all.list(1)).conversations[0];
  ASSERT_TRUE(all.remove_message(info.id, info.active_leaf).ok());
  ASSERT_TRUE(all.rename(info.id, "New title").ok());
  const std::string mine = ok(all.add(info.id, {"", "user", "since then"})).id;
  ASSERT_TRUE(import_json(*test.store, kTestOwner, text, "export").ok());
  EXPECT_EQ(ok(all.get(info.id)).title, "New title");
  EXPECT_EQ(ok(all.get(info.id)).active_leaf, mine);
  EXPECT_EQ(ok(all.tree(info.id)).size(), 4u);
}

TEST(Export, AWrongDocumentIsRefusedWholeWithThePath) {
  TestStore from;
  fill(from);
  const Json whole = parsed(json_of(*from.store, kTestOwner));
  const auto refused = [&](const std::string& pointer, const Json& value, const std::string& path) {
    Json changed = whole;
    changed[Json::json_pointer(pointer)] = value;
    TestStore to;
    const auto imported = import_json(*to.store, kTestOwner, changed.dump(), "export");
    ASSERT_FALSE(imported.ok()) << pointer;
    EXPECT_NE(imported.error().message.find("[" + path + "]"), std::string::npos) << imported.error().message;
    EXPECT_TRUE(ok(to.store->conversations(kTestOwner).list(10)).conversations.empty());
    EXPECT_TRUE(ok(to.store->files(kTestOwner).list()).empty());
    EXPECT_TRUE(ok(to.store->responses(kTestOwner).list()).empty());
  };
  refused("/version", 2, "export");
  refused("/files", 7, "files");
  refused("/files/0/data", "AAAA", "files[0].data");
  refused("/files/0/data", "A*", "files[0].data");
  refused("/conversations/0/title", 7, "conversations[0].title");
  refused("/conversations/0/pinned", 1, "conversations[0].pinned");
  refused("/conversations/0/created_ms", -1, "conversations[0].created_ms");
  refused("/conversations/0/created_ms", uint64_t{1} << 63, "conversations[0].created_ms");
  refused("/conversations/0/id", "../up", "conversations[0]");
  refused("/conversations/0/active_leaf", "msg_0", "conversations[0]");
  refused("/conversations/0/messages/1", Json::array(), "conversations[0].messages[1]");
  refused("/conversations/0/messages/1/role", "robot", "conversations[0].messages[1]");
  refused("/conversations/0/messages/1/parent", "msg_0", "conversations[0]");
  refused("/conversations/0/messages/0/files/0", "file_0", "conversations[0]");
  refused("/conversations/0/messages/0/files/0", 5, "conversations[0].messages[0].files[0]");
  refused("/responses/0/status", "done", "responses[0]");
  refused("/answers/0/log", "{}\n", "answers[0]");
  refused("/answers/0/conversation", "conv_0", "answers[0]");
  refused("/answers/0/id", "../../melete", "answers[0]");
  TestStore to;
  for (const char* text : {"", "{", "[]", "{\"format\":\"melete export\",\"version\":1}"})
    EXPECT_FALSE(import_json(*to.store, kTestOwner, text, "export").ok()) << text;
}

TEST(Export, ThePageHoldsEverythingEscaped) {
  TestStore test;
  fill(test);
  std::string page;
  ASSERT_TRUE(export_html(*test.store, kTestOwner, "<local>", [&](std::string_view piece) {
                page += piece;
                return ok_status();
              }).ok());
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("<b>"), std::string::npos);
  EXPECT_EQ(page.find("<i>"), std::string::npos);
  EXPECT_EQ(page.find("<local>"), std::string::npos);
  for (const char* part :
       {"&lt;script&gt;alert(1)&lt;/script&gt;", "Fruit &amp; &lt;b&gt;veg", "shown", "[chart&quot;]",
        "edited", "Other versions", "base64,AP88eD4=", "default-src 'none'"})
    EXPECT_NE(page.find(part), std::string::npos) << part;
  // A sink that fails ends it.
  EXPECT_FALSE(export_html(*test.store, kTestOwner, "", [](std::string_view) {
                 return Status(unavailable("full"));
               }).ok());
}

}  // namespace
}  // namespace melete
