// A bot, against a fake of the service in this process: restarts, kills, and services that fail.
#include <gtest/gtest.h>

#include "bridges/test_telegram.h"

namespace melete {
namespace {

TEST_F(TelegramTest, AnswersOnceThoughUpdatesComeAgain) {
  service_.forgets_confirmations = true;
  run();
  service_.say_text("one");
  service_.wait_for(1, "four");
  service_.say_text("two");
  service_.wait_for(2, "four");
  ASSERT_TRUE(is_done(kTelegramAccount));
  stop();
  run();
  service_.say_text("three");
  service_.wait_for(3, "four");
  EXPECT_EQ(talk_.num_asked(), 3u);
}

TEST_F(TelegramTest, GoesOnAfterARestart) {
  pause_answers();
  run();
  service_.say_text("how many?");
  talk_.wait_until_paused();
  service_.wait_for(1, "There are four");  // its beginning is there
  service_.wait_for_confirmation();        // and the service won't send the question again
  stop();
  EXPECT_EQ(num_in_inbox(kTelegramAccount), 1u);
  talk_.go_on();
  run();
  const auto sent = service_.wait_for(1, talk_.script);
  EXPECT_EQ(sent[0].text, talk_.script);
  EXPECT_TRUE(is_done(kTelegramAccount));
  EXPECT_EQ(talk_.num_asked(), 2u);
}

// As after kill -9 between a message of ours and the note that it was sent, and before it.
TEST_F(TelegramTest, FinishesWhatAKillLeft) {
  {
    const auto store = ok(ChatStore::open(*database_, kTelegramAccount));
    Incoming message;
    message.chat = "42", message.sender = "42", message.text = "x";
    const auto take_all = [](const Incoming&) { return ChatStore::Judgement{ChatStore::Verdict::take, ""}; };
    for (const char* event : {"42/1", "42/2", "42/3"}) {
      message.event = event;
      const auto items = ok(store->take({"5", {message}}, take_all));
      InboxItem item = items.at(0);
      if (message.event == "42/3") continue;  // taken only
      item.reply = "kept reply " + message.event;
      ASSERT_TRUE(store->keep_reply(item, {}).ok());
      if (message.event == "42/2") continue;  // not sent
      item.shown = {"99"};                    // sent, but the person has deleted it
      ASSERT_TRUE(store->keep_shown(item).ok());
    }
  }
  run();
  const auto sent = service_.wait_for(3, "four");
  EXPECT_EQ(sent[0].text, "kept reply 42/1");
  EXPECT_EQ(sent[1].text, "kept reply 42/2");
  EXPECT_EQ(talk_.num_asked(), 1u);
  EXPECT_TRUE(is_done(kTelegramAccount));
}

TEST_F(TelegramTest, GivesUpAMessageThatAlwaysFails) {
  {
    const auto store = ok(ChatStore::open(*database_, kTelegramAccount));
    Incoming message;
    message.event = "42/1", message.chat = "42", message.sender = "42", message.text = "x";
    const auto items = ok(store->take({"5", {message}}, [](const Incoming&) {
      return ChatStore::Judgement{ChatStore::Verdict::take, ""};
    }));
    ASSERT_TRUE(store->count_try(items.at(0), 3).ok());
  }
  run();
  service_.wait_for(1, "failed at that message several times");
  EXPECT_EQ(talk_.num_asked(), 0u);
}

TEST_F(TelegramTest, WaitsAsLongAsItIsTold) {
  const FakeServer::Reply slow_down = {
      429, "application/json",
      R"({"ok":false,"error_code":429,"description":"Too Many Requests","parameters":{"retry_after":700}})"};
  service_.answer_next("sendMessage", {slow_down, slow_down});
  run();
  service_.say_text("how many?");
  service_.wait_for(1, "four");
  EXPECT_TRUE(quick_.has_waited(std::chrono::milliseconds(700'000)));
}

TEST_F(TelegramTest, OutlivesADyingService) {
  const FakeServer::Reply dies = {500, "text/html", "<html>no</html>"},
                          cut = {200, "application/json", "{", true},
                          nonsense = {200, "application/json", "[[[[{"},
                          other = {200, "application/json", "5"},
                          odd = {200, "application/json", R"({"ok":true,"result":{"a":1}})"},
                          redirect = {302, "text/html", ""};
  service_.answer_next("getMe", {dies, cut, nonsense, odd});
  service_.answer_next("getUpdates", {dies, cut, nonsense, other, odd, redirect});
  service_.answer_next("sendMessage", {dies, cut, nonsense, other, redirect});
  service_.answer_next("getFile", {dies, nonsense});
  service_.put_file("p1", picture());
  run();
  service_.say({{"photo", {{{"file_id", "p1"}}}}});
  service_.wait_for(1, "four");
}

TEST_F(TelegramTest, DropsWhatTheServiceRefusesForGood) {
  const FakeServer::Reply blocked = {
      403, "application/json", R"({"ok":false,"description":"Forbidden: bot was blocked by the user"})"};
  service_.answer_next("sendMessage", {blocked});
  service_.answer_next(
      "getFile", {{200, "application/json", R"({"ok":true,"result":{"file_path":"../../etc/passwd"}})"}});
  run();
  service_.say_text("one");
  service_.say({{"voice", {{"file_id", "v"}}}});
  service_.wait_for(1, "couldn't get that file");
  for (const std::string& request : service_.requests())
    EXPECT_EQ(request.find("passwd"), std::string::npos) << "no path but those below the files'";
  EXPECT_TRUE(is_done(kTelegramAccount));
}

TEST_F(TelegramTest, EndsWhileTheServiceIsAway) {
  std::string url;
  {
    FakeServer gone([](const std::string&, const Json&) { return FakeServer::Reply{}; });
    url = gone.url();
  }
  options_.time = real_time();
  start(make_telegram_bridge(url, kTelegramToken, real_time()));
  stop();
}

TEST_F(TelegramTest, NeverSaysTheToken) {
  FakeServer echo([](const std::string& path, const Json&) {
    return FakeServer::Reply{401, "application/json",
                             Json{{"ok", false}, {"description", "who is " + path}}.dump()};
  });
  const auto bridge = make_telegram_bridge(echo.url(), kTelegramToken, quick_.time());
  const auto account = bridge->connect();
  ASSERT_FALSE(account.ok());
  EXPECT_NE(account.error().message.find("who is"), std::string::npos);
  EXPECT_EQ(account.error().message.find(kTelegramToken), std::string::npos) << account.error().message;
  const auto nowhere = make_telegram_bridge("http://127.0.0.1:1/x", kTelegramToken, quick_.time());
  const auto sent = nowhere->send("1", "x", "", Patience::once);
  ASSERT_FALSE(sent.ok());
  EXPECT_EQ(sent.error().message.find("secret"), std::string::npos) << sent.error().message;
}

}  // namespace
}  // namespace melete
