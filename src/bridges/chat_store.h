// What bridges remember, in bridges.db of the data folder: how far each account has read, which messages it
// has taken, what is still to be answered or sent, and each chat's conversation.
//
// Invariants: a message is taken once, in the same transaction that moves the account on; it stays in the
// inbox until its reply has been sent; its reply and what the conversation gains are written together. So a
// kill at any moment loses no message and makes none be answered twice. Errors: those of Database.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bridges/bridge.h"
#include "server/store/database.h"

namespace melete {

// A turn of a conversation.
struct ChatTurn {
  bool is_user = true;
  std::string text;
  std::vector<std::string> files;  // their bytes
};

// A message that was taken, until its reply has been sent.
struct InboxItem {
  int64_t id = 0;
  Incoming message;
  std::optional<std::string> reply;  // none: it has yet to be answered; empty: there is nothing to say
  std::vector<std::string> shown;    // ids of the messages that show the reply, or its beginning
  std::vector<std::string> shown_texts = {};  // what these say, as far as is known; not kept
  int64_t tries = 0;                          // at answering it that had no end
};

struct ChatLimits {
  int64_t max_turns = 40;  // of a conversation; older ones are forgotten
  int64_t max_files = 4;
  int64_t max_file_bytes = int64_t{32} << 20;  // in all
  int64_t max_events = 5000;                   // that are known to have been taken
  int64_t max_refusals = 2000;                 // strangers who are told so
};

// Errors: those of Database::open; invalid_argument (made by a newer program).
Result<std::unique_ptr<Database>> open_chat_database(const std::filesystem::path& file);

// One account's part. Safe to use from any thread.
class ChatStore {
 public:
  // `account`: "telegram 123456789".
  static Result<std::unique_ptr<ChatStore>> open(Database& database, const std::string& account,
                                                 ChatLimits limits = {});

  Result<std::string> since();

  // What becomes of a message: it is answered, its sender is told once that it isn't, or nothing.
  enum class Verdict { take, refuse, ignore };
  struct Judgement {
    Verdict verdict = Verdict::ignore;
    std::string reply;  // of a refusal
  };
  // Takes what is new and moves on. Returns what is now in the inbox in addition.
  Result<std::vector<InboxItem>> take(const Received& received,
                                      const std::function<Judgement(const Incoming&)>& judge);
  // All that is in the inbox, oldest first.
  Result<std::vector<InboxItem>> inbox();

  // Counts a try to answer it, or takes the count back.
  Status count_try(const InboxItem& item, int64_t tries);
  Status keep_shown(const InboxItem& item);
  // Keeps item.reply, and adds the turns to the conversation, which loses its oldest beyond the limits.
  Status keep_reply(const InboxItem& item, const std::vector<ChatTurn>& turns);
  Status remove(const InboxItem& item);

  Result<std::vector<ChatTurn>> conversation(const std::string& chat);
  // Forgets the conversation and erases it from the disk.
  Status forget(const std::string& chat);
  // Empty: none was chosen.
  Result<std::string> mode(const std::string& chat);
  Status set_mode(const std::string& chat, const std::string& mode);

 private:
  ChatStore(Database& database, int64_t account, ChatLimits limits)
      : database_(database), account_(account), limits_(limits) {}
  Result<bool> is_new(const Incoming& message);
  Result<bool> is_first_refusal(const std::string& sender);
  Status add_turn(const std::string& chat, const ChatTurn& turn);
  Status shorten(const std::string& chat);

  Database& database_;
  const int64_t account_;
  const ChatLimits limits_;
};

}  // namespace melete
