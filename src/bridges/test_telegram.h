// A fake of Telegram's Bot API in this process, and a bridge to it: for tests.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "bridges/telegram.h"
#include "bridges/test_bridge.h"

namespace melete {

inline const std::string kTelegramToken = "777:secret-Token_1";
inline const std::string kTelegramAccount = "telegram 777";

class FakeTelegram : public FakeService {
 public:
  struct Sent {
    int64_t chat = 0;
    std::string text;
    int edits = 0;
    Json body;
  };

  FakeTelegram() { start(); }
  ~FakeTelegram() override { stop(); }

  // A message of the user 42 in their chat with the bot.
  void say(const Json& content, int64_t user = 42) {
    const std::lock_guard lock(mutex_);
    Json message = {{"message_id", 1000 + next_update_},
                    {"chat", {{"id", user}, {"type", "private"}}},
                    {"from", {{"id", user}, {"username", cat("user", user)}}}};
    message.update(content);
    updates_.push_back({{"update_id", next_update_++}, {"message", message}});
    changed_.notify_all();
  }
  void say_text(const std::string& text, int64_t user = 42) { say({{"text", text}}, user); }
  void put_file(const std::string& id, const std::string& bytes) {
    const std::lock_guard lock(mutex_);
    files_[id] = bytes;
  }
  // Waits for so many messages of the bot, the last of which says this in the end.
  std::vector<Sent> wait_for(size_t count, const std::string& last) {
    wait([&] { return sent_.size() >= count && sent_.back().text.find(last) != std::string::npos; });
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(sent_.size(), count);
    EXPECT_TRUE(!sent_.empty() && sent_.back().text.find(last) != std::string::npos)
        << (sent_.empty() ? "nothing" : sent_.back().text);
    return sent_;
  }
  // Says it, and waits for the one message that comes of it.
  Sent ask(const std::string& text, const std::string& reply, int64_t user = 42) {
    const size_t count = num_sent() + 1;
    say_text(text, user);
    const std::vector<Sent> sent = wait_for(count, reply);
    return sent.empty() ? Sent() : sent.back();
  }
  void wait_for_confirmation() {
    wait([&] { return updates_.empty(); });
  }
  size_t num_sent() {
    const std::lock_guard lock(mutex_);
    return sent_.size();
  }
  int num_typing() {
    const std::lock_guard lock(mutex_);
    return num_typing_;
  }

  bool forgets_confirmations = false;  // the same updates come again and again

 protected:
  Reply answer(const std::string& path, const Json& body, std::unique_lock<std::mutex>& lock) override {
    const std::string files = "/v1/file/bot" + kTelegramToken + "/",
                      methods = "/v1/bot" + kTelegramToken + "/";
    if (path.starts_with(files))
      return {200, "application/octet-stream", files_[path.substr(files.size() + 7)]};
    if (!path.starts_with(methods))
      return {404, "application/json", R"({"ok":false,"description":"Not Found"})"};
    const std::string method = path.substr(methods.size());
    if (method == "getMe") return result({{"id", 777}, {"is_bot", true}, {"username", "our_bot"}});
    if (method == "getUpdates") return get_updates(body, lock);
    if (method == "sendMessage") {
      sent_.push_back({body["chat_id"].get<int64_t>(), body["text"].get<std::string>(), 0, body});
      return result({{"message_id", sent_.size()}});
    }
    if (method == "editMessageText") return edit(body);
    if (method == "sendChatAction") ++num_typing_;
    if (method == "getFile") {
      const auto id = body["file_id"].get<std::string>();
      return result({{"file_id", id}, {"file_path", "photos/" + id}});
    }
    return result(true);
  }

 private:
  static Reply result(const Json& value) {
    return {200, "application/json", Json{{"ok", true}, {"result", value}}.dump()};
  }
  Reply get_updates(const Json& body, std::unique_lock<std::mutex>& lock) {
    const int64_t offset = body.value("offset", int64_t{0});
    if (!forgets_confirmations)
      std::erase_if(updates_, [&](const Json& update) { return update["update_id"] < offset; });
    changed_.notify_all();
    linger(lock, [&] { return !updates_.empty(); });
    return result(Json(updates_));
  }
  Reply edit(const Json& body) {
    const auto index = body["message_id"].get<size_t>() - 1;
    if (index >= sent_.size())
      return {400, "application/json",
              R"({"ok":false,"description":"Bad Request: message to edit not found"})"};
    Sent& sent = sent_[index];
    const auto text = body["text"].get<std::string>();
    if (sent.text == text)
      return {400, "application/json",
              R"({"ok":false,"description":"Bad Request: message is not modified: x"})"};
    sent.text = text;
    ++sent.edits;
    return result(true);
  }

  int64_t next_update_ = 1;
  std::vector<Json> updates_;
  std::vector<Sent> sent_;
  std::map<std::string, std::string> files_;
  int num_typing_ = 0;
};

class TelegramTest : public BridgeTest {
 protected:
  void run() {
    options_.allow = AllowList({"42", "@user43"});
    start(make_telegram_bridge(service_.url(), kTelegramToken, quick_.time()));
  }
  FakeTelegram service_;
};

}  // namespace melete
