// BridgeHost: keeps one bridge going. A thread receives; others answer, each chat's messages one after
// another, and send. What is taken is in the ChatStore until its reply has been sent.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "bridges/allow_list.h"
#include "bridges/bridge.h"
#include "bridges/chat_answers.h"
#include "bridges/chat_store.h"
#include "bridges/commands.h"
#include "bridges/service_calls.h"

namespace melete {

class BridgeHost {
 public:
  struct Options {
    AllowList allow{{}};
    std::string model, mode = kDefaultMode, system;  // see ChatQuestion
    int64_t max_file_bytes = int64_t{20} << 20;
    double deadline_s = 300;
    std::chrono::milliseconds edit_pace{2000};  // at most so often an answer is shown as it grows
    std::chrono::milliseconds tick_pace{500};
    int max_chats = 4;  // that are answered at a time
    ChatLimits limits;
    ServiceTime time = real_time();
  };

  // `answers` and `database` outlive this object, whose threads run from now on.
  BridgeHost(std::unique_ptr<Bridge> bridge, const ChatAnswers& answers, Database& database, Options options);
  // What is unanswered stays in the store for the next time.
  ~BridgeHost();
  BridgeHost(const BridgeHost&) = delete;
  BridgeHost& operator=(const BridgeHost&) = delete;

 private:
  // A chat with something to do.
  struct Chat {
    std::deque<InboxItem> waiting;
    bool is_running = false;
    bool is_answering = false;  // the item that runs is a question
    std::stop_source stop;      // of that item's answer
  };

  void receive_all();
  bool begin();
  bool receive_some();
  ChatStore::Judgement judge(const Incoming& message) const;
  void enqueue(InboxItem item);
  size_t num_waiting(const std::string& chat);
  void stop_chat(InboxItem& item);
  void work(const std::string& chat);
  void handle(InboxItem item, const std::stop_token& stop);
  bool reply_to(InboxItem& item, const std::stop_token& stop);
  bool accept_invite(InboxItem& item);
  std::string obey(const InboxItem& item, const BridgeCommand& command);
  bool answer(InboxItem& item, const std::stop_token& stop);
  bool fetch_files(InboxItem& item, ChatTurn& turn);
  bool show(InboxItem& item, const std::string& text, Patience patience);
  Status send_part(InboxItem& item, size_t i, const std::string& text, Patience patience);
  bool keep(InboxItem& item, const std::string& reply, const std::vector<ChatTurn>& turns = {});
  void note(const Status& status) const;
  void rest(std::chrono::milliseconds time);
  bool is_stopping() const { return stop_.stop_requested(); }

  const std::unique_ptr<Bridge> bridge_;
  const ChatAnswers& answers_;
  Database& database_;
  const Options options_;
  BridgeAccount account_;
  std::unique_ptr<ChatStore> store_;
  std::stop_source stop_;
  std::mutex mutex_;  // of chats_
  std::map<std::string, Chat> chats_;
  std::unique_ptr<WorkerThreads> workers_;
  std::thread receiver_;
};

}  // namespace melete
