#include "bridges/telegram_updates.h"

#include <gtest/gtest.h>

namespace melete {
namespace {

Json update(int64_t id, const Json& content, const std::string& type = "private") {
  Json message = {{"message_id", 100 + id},
                  {"chat", {{"id", 7}, {"type", type}}},
                  {"from", {{"id", 42}, {"username", "Ann"}}}};
  message.update(content);
  return {{"update_id", id}, {"message", message}};
}

Received read(std::initializer_list<Json> updates) {
  return read_telegram_updates(Json(std::vector<Json>(updates))).value();
}

TEST(TelegramUpdates, ReadsText) {
  const Received got = read({update(5, {{"text", "hi"}})});
  EXPECT_EQ(got.next, "6");
  ASSERT_EQ(got.messages.size(), 1u);
  const Incoming& message = got.messages[0];
  EXPECT_EQ(message.event, "7/105");
  EXPECT_EQ(message.chat, "7");
  EXPECT_EQ(message.sender, "42");
  EXPECT_EQ(message.sender_name, "@Ann");
  EXPECT_EQ(message.text, "hi");
}

TEST(TelegramUpdates, TakesTheLargestPicture) {
  const Json sizes = {{{"file_id", "small"}, {"width", 90}, {"height", 60}, {"file_size", 100}},
                      {{"file_id", "large"}, {"width", 900}, {"height", 600}, {"file_size", 9000}},
                      {{"file_id", "middle"}, {"width", 300}, {"height", 200}}};
  const Received got = read({update(1, {{"photo", sizes}, {"caption", "what?"}})});
  ASSERT_EQ(got.messages.at(0).files.size(), 1u);
  EXPECT_EQ(got.messages[0].files[0].id, "large");
  EXPECT_EQ(got.messages[0].files[0].bytes, 9000);
  EXPECT_EQ(got.messages[0].text, "what?");
}

TEST(TelegramUpdates, ReadsSoundsAndDocuments) {
  const Json voice = {{"file_id", "v"}, {"duration", 3}, {"mime_type", "audio/ogg"}};
  const Json picture = {{"file_id", "p"}, {"mime_type", "image/png"}};
  const Json text = {{"file_id", "t"}, {"mime_type", "application/pdf"}};
  const Received got = read({update(1, {{"voice", voice}}), update(2, {{"document", picture}}),
                             update(3, {{"document", text}}), update(4, {{"sticker", {{"file_id", "s"}}}})});
  ASSERT_EQ(got.messages.size(), 4u);
  EXPECT_EQ(got.messages[0].files.at(0).id, "v");
  EXPECT_EQ(got.messages[0].files[0].bytes, -1);
  EXPECT_EQ(got.messages[1].files.at(0).id, "p");
  EXPECT_TRUE(got.messages[2].files.empty());
  EXPECT_FALSE(got.messages[2].unreadable.empty());
  EXPECT_FALSE(got.messages[3].unreadable.empty());
}

TEST(TelegramUpdates, MakesOneMessageOfAnAlbum) {
  const auto picture = [](const std::string& id) {
    return Json{{"media_group_id", "g"}, {"photo", {{{"file_id", id}, {"width", 9}, {"height", 9}}}}};
  };
  Json first = picture("a");
  first["caption"] = "which is older?";
  const Received got = read({update(1, first), update(2, picture("b")), update(3, {{"text", "well?"}})});
  ASSERT_EQ(got.messages.size(), 2u);
  EXPECT_EQ(got.messages[0].text, "which is older?");
  ASSERT_EQ(got.messages[0].files.size(), 2u);
  EXPECT_EQ(got.messages[0].files[1].id, "b");
  EXPECT_EQ(got.next, "4");
}

TEST(TelegramUpdates, PassesOverWhatIsNotForUs) {
  Json bot = update(3, {{"text", "hi"}});
  bot["message"]["from"]["is_bot"] = true;
  const Received got = read({update(1, {{"text", "hi"}}, "group"),
                             {{"update_id", 2}, {"edited_message", {}}},
                             bot,
                             update(4, {{"pinned_message", {}}})});
  EXPECT_TRUE(got.messages.empty());
  EXPECT_EQ(got.next, "5");
}

// One bad update must not come again for ever.
TEST(TelegramUpdates, GoesOnAfterNonsense) {
  const Json wrong_types = {{"message_id", "x"}, {"chat", 5}, {"from", Json::array()}};
  const Received got = read({1,
                             nullptr,
                             "x",
                             Json::object(),
                             {{"update_id", "7"}},
                             {{"update_id", 1e300}},
                             {{"update_id", UINT64_MAX}},
                             {{"update_id", 8}, {"message", wrong_types}},
                             {{"update_id", 9}, {"message", "x"}},
                             update(10, {{"photo", {1, {{"file_id", 2}}}}}),
                             update(11, {{"text", "hi"}})});
  ASSERT_EQ(got.messages.size(), 1u);
  EXPECT_EQ(got.messages[0].text, "hi");
  EXPECT_EQ(got.next, "12");
  EXPECT_FALSE(read_telegram_updates(Json::object()).ok());
}

// After a week without updates the service may begin anywhere, also below what was asked for.
TEST(TelegramUpdates, AsksForAnythingOnceAllIsConfirmed) { EXPECT_EQ(read({}).next, ""); }

TEST(TelegramUpdates, ReadsHowLongToWait) {
  EXPECT_EQ(telegram_delay_ms({{"parameters", {{"retry_after", 7}}}}), 7000);
  EXPECT_EQ(telegram_delay_ms({{"parameters", {{"retry_after", -7}}}}), 0);
  EXPECT_EQ(telegram_delay_ms({{"parameters", {{"retry_after", "7"}}}}), 0);
  EXPECT_EQ(telegram_delay_ms({{"parameters", {{"retry_after", int64_t{1} << 60}}}}), 0);
  EXPECT_EQ(telegram_delay_ms(Json::object()), 0);
}

TEST(TelegramUpdates, IncomingIsKeptAsJson) {
  Incoming message =
      read({update(5, {{"caption", "x"}, {"voice", {{"file_id", "v"}, {"file_size", 12}}}})}).messages.at(0);
  const Incoming again = incoming_from(to_json(message));
  EXPECT_EQ(to_json(again), to_json(message));
  EXPECT_EQ(again.files.at(0).bytes, 12);
  EXPECT_EQ(to_json(incoming_from(Json::parse(R"([1])"))), to_json(Incoming{}));
}

}  // namespace
}  // namespace melete
