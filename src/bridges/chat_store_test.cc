#include "bridges/chat_store.h"

#include <gtest/gtest.h>

#include "server/store/test_store.h"

namespace melete {
namespace {

class ChatStoreTest : public ::testing::Test {
 protected:
  ChatStoreTest() { open(); }
  void open() {
    store_.reset();
    database_.reset();
    database_ = ok(open_chat_database(folder_.path() / "bridges.db"));
    store_ = ok(ChatStore::open(*database_, "telegram 1", limits_));
  }
  static Incoming message(const std::string& event, const std::string& sender = "42") {
    Incoming incoming;
    incoming.event = event, incoming.chat = "c", incoming.sender = sender, incoming.text = "hi";
    return incoming;
  }
  std::vector<InboxItem> take(const std::vector<Incoming>& messages, const std::string& next = "5",
                              ChatStore::Verdict verdict = ChatStore::Verdict::take) {
    return ok(store_->take({next, messages}, [&](const Incoming&) {
      return ChatStore::Judgement{verdict, "no"};
    }));
  }
  void add(const std::string& text, const std::vector<std::string>& files = {}) {
    InboxItem item = take({message(text)}).at(0);
    item.reply = "re " + text;
    ASSERT_TRUE(store_->keep_reply(item, {{true, text, files}, {false, "re " + text, {}}}).ok());
    ASSERT_TRUE(store_->remove(item).ok());
  }

  TestFolder folder_;
  ChatLimits limits_{6, 2, 100, 4, 2};
  std::unique_ptr<Database> database_;
  std::unique_ptr<ChatStore> store_;
};

TEST_F(ChatStoreTest, TakesEachMessageOnce) {
  EXPECT_EQ(ok(store_->since()), "");
  EXPECT_EQ(take({message("a"), message("b"), message("a")}).size(), 2u);
  EXPECT_EQ(take({message("b"), message("c")}, "7").size(), 1u);
  open();
  EXPECT_EQ(ok(store_->since()), "7");
  EXPECT_EQ(take({message("c")}, "8").size(), 0u);
  const auto inbox = ok(store_->inbox());
  ASSERT_EQ(inbox.size(), 3u);
  EXPECT_EQ(inbox[0].message.event, "a");
  EXPECT_EQ(inbox[0].message.text, "hi");
  EXPECT_FALSE(inbox[0].reply.has_value());
  // Another account's events are its own.
  const auto other = ok(ChatStore::open(*database_, "telegram 2"));
  EXPECT_EQ(ok(other->since()), "");
  EXPECT_TRUE(ok(other->inbox()).empty());
}

TEST_F(ChatStoreTest, KnowsTheNewestEvents) {
  for (const char* event : {"a", "b", "c", "d", "e", "f"}) take({message(event)});
  for (const char* event : {"f", "e", "d", "c"}) EXPECT_TRUE(take({message(event)}).empty()) << event;
  EXPECT_EQ(take({message("a")}).size(), 1u);
}

TEST_F(ChatStoreTest, RefusesEachSenderOnceAndNotTooMany) {
  using Verdict = ChatStore::Verdict;
  const auto refused = [&](const char* event, const char* sender) {
    const auto items = take({message(event, sender)}, "5", Verdict::refuse);
    EXPECT_TRUE(items.empty() || items[0].reply == "no");
    return items.size();
  };
  EXPECT_EQ(refused("a", "x"), 1u);
  EXPECT_EQ(refused("b", "x"), 0u);
  EXPECT_EQ(refused("c", "y"), 1u);
  EXPECT_EQ(refused("d", "z"), 0u);  // two are told
  EXPECT_TRUE(take({message("e")}, "5", Verdict::ignore).empty());
  EXPECT_EQ(ok(store_->inbox()).size(), 2u);
}

TEST_F(ChatStoreTest, KeepsHowFarAReplyIs) {
  InboxItem item = take({message("a")}).at(0);
  item.reply = "";
  item.shown = {"1", "2"};
  ASSERT_TRUE(store_->keep_reply(item, {}).ok());
  ASSERT_TRUE(store_->keep_shown(item).ok());
  ASSERT_TRUE(store_->count_try(item, 2).ok());
  open();
  const InboxItem again = ok(store_->inbox()).at(0);
  EXPECT_EQ(again.reply, "");
  EXPECT_EQ(again.shown, item.shown);
  EXPECT_EQ(again.tries, 2);
  ASSERT_TRUE(store_->remove(again).ok());
  EXPECT_TRUE(ok(store_->inbox()).empty());
  EXPECT_TRUE(ok(store_->conversation("c")).empty());
}

TEST_F(ChatStoreTest, KeepsTheConversationWithinItsLimits) {
  const std::string bytes("\x00\xFF\n binary", 10);
  add("one", {bytes, "y"});
  auto turns = ok(store_->conversation("c"));
  ASSERT_EQ(turns.size(), 2u);
  EXPECT_EQ(turns[0].files, (std::vector<std::string>{bytes, "y"}));
  EXPECT_TRUE(turns[0].is_user);
  EXPECT_FALSE(turns[1].is_user);
  add("two", {"z"});  // a third file: the oldest turn's go
  turns = ok(store_->conversation("c"));
  EXPECT_TRUE(turns.at(0).files.empty());
  EXPECT_EQ(turns.at(0).text, "one");
  EXPECT_EQ(turns.at(2).files.size(), 1u);
  add("three", {std::string(100, 'x')});  // 101 bytes in all
  add("four");
  turns = ok(store_->conversation("c"));
  ASSERT_EQ(turns.size(), 6u);
  EXPECT_EQ(turns[0].text, "two");
  EXPECT_TRUE(turns[0].files.empty());
  EXPECT_EQ(turns[2].files.size(), 1u);
  EXPECT_TRUE(ok(store_->conversation("another")).empty());
}

TEST_F(ChatStoreTest, ForgetsWithoutATrace) {
  add("a secret of mine");
  ASSERT_TRUE(store_->set_mode("c", "thinking").ok());
  EXPECT_NE(folder_bytes(folder_.path()).find("re a secret of mine"), std::string::npos);
  ASSERT_TRUE(store_->forget("c").ok());
  EXPECT_TRUE(ok(store_->conversation("c")).empty());
  EXPECT_EQ(folder_bytes(folder_.path()).find("re a secret of mine"), std::string::npos);
  EXPECT_EQ(ok(store_->mode("c")), "thinking");
  ASSERT_TRUE(store_->set_mode("c", "instant").ok());
  EXPECT_EQ(ok(store_->mode("c")), "instant");
  EXPECT_EQ(ok(store_->mode("d")), "");
}

TEST_F(ChatStoreTest, RefusesANewerFile) {
  ASSERT_TRUE(database_->execute("a test", "PRAGMA user_version = 2").ok());
  const auto newer = open_chat_database(folder_.path() / "bridges.db");
  EXPECT_EQ(kind_of(newer), "invalid_argument") << newer.error().message;
}

}  // namespace
}  // namespace melete
