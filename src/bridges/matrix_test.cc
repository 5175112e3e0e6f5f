// An account on a homeserver, against a fake of it in this process.
#include "bridges/matrix.h"

#include <gtest/gtest.h>

#include "bridges/test_bridge.h"

namespace melete {
namespace {

const std::string kToken = "syt_secret", kSelf = "@melete:x.org", kAnn = "@ann:x.org", kRoom = "!room:x.org";
const std::string kAccount = "matrix " + kSelf;

class FakeMatrix : public FakeService {
 public:
  FakeMatrix() { start(); }
  ~FakeMatrix() override { stop(); }

  // An event of the room's timeline.
  void say(const Json& content, const std::string& sender = kAnn,
           const std::string& type = "m.room.message") {
    const std::lock_guard lock(mutex_);
    events_.push_back(
        {{"type", type}, {"event_id", cat("$", events_.size())}, {"sender", sender}, {"content", content}});
    changed_.notify_all();
  }
  void say_text(const std::string& text, const std::string& sender = kAnn) {
    say({{"msgtype", "m.text"}, {"body", text}}, sender);
  }
  void invite(const std::string& sender, const std::string& room) {
    const std::lock_guard lock(mutex_);
    const Json member = {{"type", "m.room.member"},
                         {"state_key", kSelf},
                         {"sender", sender},
                         {"content", {{"membership", "invite"}}}};
    invites_[room] = {{"invite_state", {{"events", Json::array({member})}}}};
    changed_.notify_all();
  }
  void put_file(const std::string& id, const std::string& bytes) {
    const std::lock_guard lock(mutex_);
    files_[id] = bytes;
  }
  std::vector<Json> wait_for(size_t count, const std::string& last) {
    const auto says = [&] { return sent_.empty() ? std::string() : sent_.back()["body"].get<std::string>(); };
    wait([&] { return sent_.size() >= count && says().find(last) != std::string::npos; });
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(sent_.size(), count);
    EXPECT_NE(says().find(last), std::string::npos) << says();
    return sent_;
  }
  size_t num_sent() {
    const std::lock_guard lock(mutex_);
    return sent_.size();
  }
  void wait_for_first_sync() {
    wait([&] { return num_syncs_ >= 2; });
  }
  std::vector<std::string> joined() {
    const std::lock_guard lock(mutex_);
    return joined_;
  }
  int num_typing() {
    const std::lock_guard lock(mutex_);
    return num_typing_;
  }

  bool has_authenticated_media = true;
  size_t timeline_limit = 50;
  bool sends_all_again = false;  // as if nothing had been read yet

 protected:
  Reply answer(const std::string& path, const Json& body, std::unique_lock<std::mutex>& lock) override {
    const std::string client = "/v1/_matrix/client/v3/";
    if (path == client + "account/whoami") return {200, "application/json", Json{{"user_id", kSelf}}.dump()};
    if (path.starts_with(client + "sync?")) return sync(path, lock);
    if (path.find("/messages?dir=b") != std::string::npos) return page(path);
    if (path.find("/send/m.room.message/") != std::string::npos) return send(path, body);
    if (path.starts_with(client + "join/")) {
      joined_.push_back(path.substr(client.size() + 5));
      return {200, "application/json", "{}"};
    }
    if (path.find("/typing/") != std::string::npos) {
      ++num_typing_;
      return {200, "application/json", "{}"};
    }
    const std::string newer = "/v1/_matrix/client/v1/media/download/x.org/",
                      older = "/v1/_matrix/media/v3/download/x.org/";
    if (has_authenticated_media && path.starts_with(newer))
      return {200, "image/png", files_[path.substr(newer.size())]};
    if (!has_authenticated_media && path.starts_with(older))
      return {200, "image/png", files_[path.substr(older.size())]};
    return {404, "application/json", R"({"errcode":"M_UNRECOGNIZED","error":"Unrecognized request"})"};
  }

 private:
  // Tokens are numbers of events: "s3" has read three of them, "b3" stands before the fourth.
  static size_t number_after(const std::string& path, const std::string& name) {
    const size_t at = path.find(name);
    return at == std::string::npos ? 0 : std::stoul(path.substr(at + name.size()));
  }
  Reply sync(const std::string& path, std::unique_lock<std::mutex>& lock) {
    ++num_syncs_;
    const size_t since = sends_all_again ? 0 : number_after(path, "&since=s");
    if (path.find("since=") != std::string::npos)
      linger(lock, [&] { return events_.size() > since || !invites_.empty(); });
    const size_t from = std::max(since, events_.size() - std::min(events_.size(), timeline_limit));
    const Json events(std::vector<Json>(events_.begin() + static_cast<ptrdiff_t>(from), events_.end()));
    Json body = {{"next_batch", cat("s", events_.size())}, {"rooms", {{"invite", invites_}}}};
    if (!events.empty())
      body["rooms"]["join"][kRoom]["timeline"] = {
          {"events", events}, {"limited", from > since}, {"prev_batch", cat("b", from)}};
    invites_ = Json::object();
    return {200, "application/json", body.dump()};
  }
  // Two events a page.
  Reply page(const std::string& path) {
    const size_t from = number_after(path, "from=b"), to = number_after(path, "&to=s");
    const size_t begin = std::max(to, from - std::min<size_t>(from, 2));
    Json chunk = Json::array();
    for (size_t i = from; i > begin; --i) chunk.push_back(events_[i - 1]);
    return {200, "application/json", Json{{"chunk", chunk}, {"end", cat("b", begin)}}.dump()};
  }
  Reply send(const std::string& path, const Json& body) {
    const std::string transaction = path.substr(path.rfind('/') + 1);
    if (!transactions_.contains(transaction)) sent_.push_back(body);
    transactions_.insert(transaction);
    return {200, "application/json", Json{{"event_id", "$sent-" + transaction}}.dump()};
  }

  std::vector<Json> events_, sent_;
  Json invites_ = Json::object();
  std::set<std::string> transactions_;
  std::vector<std::string> joined_;
  std::map<std::string, std::string> files_;
  int num_typing_ = 0, num_syncs_ = 0;
};

class MatrixTest : public BridgeTest {
 protected:
  void run() {
    options_.allow = AllowList({kAnn});
    start(make_matrix_bridge(service_.url(), kToken, quick_.time()));
    service_.wait_for_first_sync();
  }
  FakeMatrix service_;
};

TEST_F(MatrixTest, AnswersText) {
  service_.say_text("from before our time");
  run();
  service_.say_text("how many?");
  const auto sent = service_.wait_for(1, "There are four of them, as far as I can see.");
  EXPECT_EQ(sent[0]["msgtype"], "m.notice");
  EXPECT_EQ(sent[0]["m.mentions"], Json::object());
  EXPECT_FALSE(sent[0].contains("formatted_body"));
  EXPECT_TRUE(is_done(kAccount));
  EXPECT_EQ(talk_.num_asked(), 1u);
  EXPECT_EQ(talk_.prompts.at(0).find("before our time"), std::string::npos);
  EXPECT_GE(service_.num_typing(), 1);
  for (const std::string& request : service_.requests())
    EXPECT_NE(request.find("Authorization: Bearer " + kToken), std::string::npos);
}

TEST_F(MatrixTest, SeesPicturesAndHearsVoiceNotes) {
  service_.put_file("p1", picture());
  service_.put_file("v1", sound());
  run();
  service_.say(
      {{"msgtype", "m.image"}, {"body", "what is it?"}, {"filename", "a.png"}, {"url", "mxc://x.org/p1"}});
  service_.wait_for(1, "four");
  service_.say({{"msgtype", "m.audio"}, {"body", "Voice message"}, {"url", "mxc://x.org/v1"}});
  service_.wait_for(2, "four");
  EXPECT_EQ(talk_.num_media, (std::vector<size_t>{1, 2}));
  EXPECT_NE(talk_.prompts.at(0).find("what is it?"), std::string::npos);
}

TEST_F(MatrixTest, FindsMediaOfOlderServers) {
  service_.has_authenticated_media = false;
  service_.put_file("p1", picture());
  run();
  service_.say({{"msgtype", "m.image"}, {"body", "a.png"}, {"url", "mxc://x.org/p1"}});
  service_.wait_for(1, "four");
  EXPECT_EQ(talk_.num_media, (std::vector<size_t>{1}));
}

TEST_F(MatrixTest, RefusesFilesThatAreTooLargeOrBroken) {
  options_.max_file_bytes = 1 << 20;
  service_.put_file("large", std::string((1 << 20) + 1, 'x'));
  service_.put_file("broken", "\x89PNG\r\n\x1a\n" + std::string(100, '\0'));
  run();
  service_.say(
      {{"msgtype", "m.image"}, {"body", "a"}, {"url", "mxc://x.org/x"}, {"info", {{"size", 2'000'000}}}});
  service_.wait_for(1, "too large for me");
  service_.say({{"msgtype", "m.image"}, {"body", "a"}, {"url", "mxc://x.org/large"}});
  service_.wait_for(2, "too large for me");
  service_.say({{"msgtype", "m.image"}, {"body", "a"}, {"url", "mxc://x.org/broken"}});
  service_.wait_for(3, "can't be read");
  service_.say({{"ciphertext", "x"}}, kAnn, "m.room.encrypted");
  service_.wait_for(4, "encrypted");
  service_.say({{"ciphertext", "y"}}, kAnn, "m.room.encrypted");
  service_.say_text("how many?");
  service_.wait_for(5, "four");
  EXPECT_EQ(talk_.num_asked(), 1u);
}

TEST_F(MatrixTest, JoinsOnlyThoseItKnows) {
  run();
  service_.invite("@eve:x.org", "!eve:x.org");
  service_.invite(kAnn, "!home:x.org");
  service_.wait_for(1, "send a picture");
  EXPECT_EQ(service_.joined(), (std::vector<std::string>{"%21home%3Ax.org"}));
}

TEST_F(MatrixTest, TellsStrangersOnceAndNobodyTwice) {
  run();
  service_.say_text("let me in", "@eve:x.org");
  service_.say_text("let me in", "@eve:x.org");
  service_.say_text("how many?");
  const auto sent = service_.wait_for(2, "four");
  EXPECT_NE(sent[0]["body"].get<std::string>().find("Your id here is @eve:x.org"), std::string::npos);
  EXPECT_EQ(talk_.num_asked(), 1u);
}

TEST_F(MatrixTest, GoesOnAfterARestart) {
  run();
  service_.say_text("one");
  service_.wait_for(1, "four");
  ASSERT_TRUE(is_done(kAccount));
  stop();
  service_.say_text("two");
  run();
  service_.wait_for(2, "four");
  ASSERT_TRUE(is_done(kAccount));
  stop();
  service_.sends_all_again = true;
  run();
  service_.say_text("three");
  service_.wait_for(3, "four");
  EXPECT_EQ(talk_.num_asked(), 3u);
}

// A kill between sending and noting it: the server knows the transaction.
TEST_F(MatrixTest, SendsNothingTwice) {
  run();
  service_.say_text("one");
  service_.wait_for(1, "four");
  ASSERT_TRUE(is_done(kAccount));
  stop();
  {
    const auto store = ok(ChatStore::open(*database_, kAccount));
    Incoming message;
    message.event = "$0 again", message.chat = kRoom, message.sender = kAnn, message.text = "one";
    InboxItem item = ok(store->take({ok(store->since()), {message}}, [](const Incoming&) {
                       return ChatStore::Judgement{ChatStore::Verdict::take, ""};
                     })).at(0);
    item.message.event = "$0";
    ASSERT_TRUE(database_
                    ->run("a test",
                          "UPDATE inbox SET message = ?2, reply = 'There are four of them' WHERE id = ?1",
                          item.id, json_text(to_json(item.message)))
                    .ok());
  }
  run();
  service_.say_text("two");
  service_.wait_for(2, "four");
  EXPECT_TRUE(is_done(kAccount));
  EXPECT_EQ(service_.num_sent(), 2u);
  EXPECT_EQ(talk_.num_asked(), 2u);
}

TEST_F(MatrixTest, ReadsWhatASyncLeavesOut) {
  service_.timeline_limit = 1;
  run();
  service_.say_text("one");
  service_.wait_for(1, "four");
  ASSERT_TRUE(is_done(kAccount));
  stop();
  for (const char* text : {"two", "three", "four", "five"}) service_.say_text(text);
  run();
  service_.wait_for(5, "four");
  for (size_t i = 0; i < 5; ++i) {
    const char* const texts[] = {"one", "two", "three", "four", "five"};
    EXPECT_NE(talk_.prompts.at(i).find(texts[i]), std::string::npos) << i;
  }
}

TEST_F(MatrixTest, SplitsLongAnswers) {
  for (int i = 0; i < 160; ++i) talk_.script += cat(" Line ", i, " of what was counted.\n");
  run();
  service_.say_text("how many?");
  const auto sent = service_.wait_for(2, "Line 159 of");
  for (const Json& message : sent) EXPECT_LE(message["body"].get<std::string>().size(), 4000u);
}

TEST_F(MatrixTest, WaitsAsLongAsItIsToldAndOutlivesADyingServer) {
  const FakeServer::Reply dies = {502, "text/html", "<html>no</html>"},
                          cut = {200, "application/json", "{", true},
                          nonsense = {200, "application/json", "]"},
                          no_batch = {200, "application/json", "{}"};
  // Servers say it in the body, newer ones in a header.
  const std::string limited = R"({"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":300000})";
  const FakeServer::Reply slow = {429, "application/json", limited},
                          slower = {429, "application/json\r\nRetry-After: 900", "{}"};
  service_.answer_next("whoami", {dies, no_batch});
  service_.answer_next("sync?", {dies, cut, nonsense, no_batch});
  service_.answer_next("/send/", {slow, dies, cut, slower});
  run();
  service_.say_text("how many?");
  service_.wait_for(1, "four");
  EXPECT_TRUE(quick_.has_waited(std::chrono::milliseconds(300'000)));
  EXPECT_TRUE(quick_.has_waited(std::chrono::milliseconds(900'000)));
}

TEST_F(MatrixTest, DropsWhatTheServerRefusesForGood) {
  service_.answer_next("/send/",
                       {{403, "application/json", R"({"errcode":"M_FORBIDDEN","error":"not in room"})"}});
  run();
  service_.say_text("one");
  service_.say_text("two");
  service_.wait_for(1, "four");
  EXPECT_TRUE(is_done(kAccount));
}

}  // namespace
}  // namespace melete
