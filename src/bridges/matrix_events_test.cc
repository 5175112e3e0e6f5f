#include "bridges/matrix_events.h"

#include <gtest/gtest.h>

namespace melete {
namespace {

const std::string kSelf = "@melete:x.org", kRoom = "!room:x.org";

Json said(const std::string& id, const Json& content, const std::string& sender = "@ann:x.org") {
  return {{"type", "m.room.message"}, {"event_id", id}, {"sender", sender}, {"content", content}};
}
Json text(const std::string& body) { return {{"msgtype", "m.text"}, {"body", body}}; }
Json our_join() {
  return {{"type", "m.room.member"},
          {"event_id", "$join"},
          {"sender", kSelf},
          {"state_key", kSelf},
          {"content", {{"membership", "join"}}}};
}
Json sync_of(std::initializer_list<Json> all, bool limited = false) {
  const Json events = std::vector<Json>(all);
  const Json timeline = {{"events", events}, {"limited", limited}, {"prev_batch", "p1"}};
  return {{"next_batch", "s2"}, {"rooms", {{"join", {{kRoom, {{"timeline", timeline}}}}}}}};
}
std::vector<Incoming> read(std::initializer_list<Json> events) {
  return read_matrix_sync(sync_of(events), kSelf).value().rooms.at(0).messages;
}

TEST(MatrixEvents, ReadsText) {
  const auto sync = read_matrix_sync(sync_of({said("$1", text("hi"))}), kSelf);
  ASSERT_TRUE(sync.ok());
  EXPECT_EQ(sync->next, "s2");
  EXPECT_EQ(sync->rooms.at(0).gap, "");
  const Incoming& message = sync->rooms[0].messages.at(0);
  EXPECT_EQ(message.event, "$1");
  EXPECT_EQ(message.chat, kRoom);
  EXPECT_EQ(message.sender, "@ann:x.org");
  EXPECT_EQ(message.text, "hi");
}

TEST(MatrixEvents, ReadsPicturesAndVoiceNotes) {
  const Json picture = {
      {"msgtype", "m.image"}, {"body", "cat.png"}, {"url", "mxc://x.org/abc"}, {"info", {{"size", 1234}}}};
  Json captioned = picture;
  captioned["filename"] = "cat.png";
  captioned["body"] = "which cat?";
  const Json voice = {{"msgtype", "m.audio"},
                      {"body", "Voice message"},
                      {"url", "mxc://x.org/v"},
                      {"org.matrix.msc3245.voice", Json::object()}};
  const auto got = read({said("$1", picture), said("$2", captioned), said("$3", voice)});
  ASSERT_EQ(got.size(), 3u);
  EXPECT_EQ(got[0].files.at(0).id, "mxc://x.org/abc");
  EXPECT_EQ(got[0].files[0].bytes, 1234);
  EXPECT_EQ(got[0].text, "");
  EXPECT_EQ(got[1].text, "which cat?");
  EXPECT_EQ(got[2].files.at(0).id, "mxc://x.org/v");
}

TEST(MatrixEvents, LeavesOutItselfNoticesEditsAndNonsense) {
  Json edit = text("* hi");
  edit["m.relates_to"] = {{"rel_type", "m.replace"}, {"event_id", "$1"}};
  const Json notice = {{"msgtype", "m.notice"}, {"body", "beep"}};
  Json no_id = said("$6", text("hi"));
  no_id.erase("event_id");
  EXPECT_TRUE(read({said("$1", text("mine"), kSelf), said("$2", notice), said("$3", edit), 5, nullptr, "x",
                    Json::object(), said("$4", 7), said("$5", {{"msgtype", 4}, {"body", {}}}), no_id})
                  .empty());
}

TEST(MatrixEvents, SaysOnceThatARoomIsEncrypted) {
  const auto secret = [](const std::string& id) {
    return Json{{"type", "m.room.encrypted"}, {"event_id", id}, {"sender", "@ann:x.org"}, {"content", {}}};
  };
  const auto got = read({secret("$1"), secret("$2")});
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0].event, got[1].event);
  EXPECT_EQ(got[0].unreadable, "an encrypted message");
  const Json hidden = {{"msgtype", "m.image"}, {"body", "x"}, {"file", {{"url", "mxc://x.org/abc"}}}};
  EXPECT_EQ(read({said("$3", hidden)}).at(0).unreadable, "an encrypted file");
}

TEST(MatrixEvents, DropsWhatAReplyRepeats) {
  Json reply = text("> <@melete:x.org> one\n> two\n\nand why?");
  EXPECT_EQ(read({said("$1", reply)}).at(0).text, reply["body"]);
  reply["m.relates_to"] = {{"m.in_reply_to", {{"event_id", "$0"}}}};
  EXPECT_EQ(read({said("$1", reply)}).at(0).text, "and why?");
}

TEST(MatrixEvents, BeginsWhereWeJoined) {
  const auto sync =
      read_matrix_sync(sync_of({said("$1", text("old")), our_join(), said("$2", text("new"))}, true), kSelf);
  ASSERT_EQ(sync->rooms.at(0).messages.size(), 1u);
  EXPECT_EQ(sync->rooms[0].messages[0].text, "new");
  EXPECT_EQ(sync->rooms[0].gap, "");  // what came before isn't for us
  EXPECT_EQ(read_matrix_sync(sync_of({said("$1", text("x"))}, true), kSelf)->rooms.at(0).gap, "p1");
}

TEST(MatrixEvents, ReadsPagesBackwards) {
  const Json page = {{"chunk", {said("$3", text("c")), said("$2", text("b"))}}, {"end", "p2"}};
  const MatrixPage got = read_matrix_page(page, kRoom, kSelf);
  ASSERT_EQ(got.messages.size(), 2u);
  EXPECT_EQ(got.messages[0].text, "b");
  EXPECT_EQ(got.next, "p2");
  const Json first = {{"chunk", {said("$3", text("c")), our_join(), said("$2", text("b"))}}, {"end", "p2"}};
  EXPECT_EQ(read_matrix_page(first, kRoom, kSelf).messages.size(), 1u);
  EXPECT_EQ(read_matrix_page(first, kRoom, kSelf).next, "");
  EXPECT_EQ(read_matrix_page({{"chunk", Json::array()}, {"end", "p2"}}, kRoom, kSelf).next, "");
}

TEST(MatrixEvents, ReadsInvitations) {
  const Json member = {{"type", "m.room.member"},
                       {"state_key", kSelf},
                       {"sender", "@ann:x.org"},
                       {"content", {{"membership", "invite"}}}};
  const Json invited = {{"invite_state", {{"events", {{{"type", "m.room.name"}}, member}}}}};
  const Json body = {{"next_batch", "s2"}, {"rooms", {{"invite", {{kRoom, invited}, {"!b:x.org", 5}}}}}};
  const auto sync = read_matrix_sync(body, kSelf);
  ASSERT_EQ(sync->invites.size(), 1u);
  EXPECT_EQ(sync->invites[0].sender, "@ann:x.org");
  EXPECT_EQ(sync->invites[0].chat, kRoom);
  EXPECT_TRUE(sync->invites[0].kind == Incoming::Kind::invite);
  EXPECT_TRUE(incoming_from(to_json(sync->invites[0])).kind == Incoming::Kind::invite);
}

TEST(MatrixEvents, NeedsNextBatch) {
  EXPECT_FALSE(read_matrix_sync(Json::object(), kSelf).ok());
  EXPECT_FALSE(read_matrix_sync({{"next_batch", 5}}, kSelf).ok());
  EXPECT_TRUE(read_matrix_sync({{"next_batch", "s"}, {"rooms", {{"join", 5}, {"invite", "x"}}}}, kSelf).ok());
}

TEST(MatrixEvents, TakesNoOtherAddressForAFile) {
  EXPECT_EQ(media_path("mxc://x.org:8448/aB-9_"), "x.org:8448/aB-9_");
  for (const char* wrong :
       {"", "https://x.org/a", "mxc://x.org", "mxc:///a", "mxc://x.org/", "mxc://x.org/../a", "mxc://../a",
        "mxc://x.org/a?b", "mxc://x.org/a%2f", "mxc://x org/a", "mxc://x.org/a/b"})
    EXPECT_EQ(media_path(wrong), "") << wrong;
}

TEST(MatrixEvents, ReadsHowLongToWait) {
  EXPECT_EQ(matrix_delay_ms({{"retry_after_ms", 2500}}), 2500);
  EXPECT_EQ(matrix_delay_ms({{"retry_after_ms", -1}}), 0);
  EXPECT_EQ(matrix_delay_ms({{"retry_after_ms", 1e300}}), 86'400'000);
  EXPECT_EQ(matrix_delay_ms(Json::object()), 0);
}

}  // namespace
}  // namespace melete
