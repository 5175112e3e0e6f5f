// Bridge: an account on a chat service, as the rest of the house sees it: messages come in, text goes out.
//
// Chats, messages, senders and files are named by the service's own ids, as text. All functions may be called
// from several threads at a time. Unless a function says otherwise, a service that can't be reached, is
// overloaded or talks nonsense is asked again, ever more slowly, until it answers or stop() is called.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace melete {

struct IncomingFile {
  std::string id;      // what Bridge::fetch() takes
  int64_t bytes = -1;  // as the service says; -1: it doesn't
};

// Something that concerns the account. Texts are valid UTF-8, since they come as JSON.
struct Incoming {
  enum class Kind { message, invite };

  Kind kind = Kind::message;
  std::string event;  // the same if the service sends it again, and no other's
  std::string chat;
  std::string sender;       // "123456789", "@ann:example.org"
  std::string sender_name;  // a further name that an allow-list may have, "@ann"; or empty
  std::string text;         // or the caption of the files
  std::vector<IncomingFile> files;
  std::string unreadable;  // what else it is ("an encrypted message"), if it can't be taken
};

Json to_json(const Incoming& message);
// What to_json() made; fields that are missing or wrong are empty.
Incoming incoming_from(const Json& json);

struct Received {
  std::string next;  // for the next receive()
  std::vector<Incoming> messages;
};

struct BridgeAccount {
  std::string id;    // stays the same
  std::string name;  // as people see it: "@melete_bot"
};

enum class Patience { once, until_it_works };

class Bridge {
 public:
  virtual ~Bridge() = default;

  // For log lines: "telegram".
  virtual const std::string& name() const = 0;
  // Ends what is waiting, with the error cancelled, and all that comes later.
  virtual void stop() = 0;

  // Who the account is. Error of this and all others: invalid_argument, where the service refuses for good.
  virtual Result<BridgeAccount> connect() = 0;
  // Waits up to about a minute for what comes after `since`, which is empty at the very first time.
  virtual Result<Received> receive(const std::string& since) = 0;
  // Accepts an invitation.
  virtual Status join(const std::string& chat) = 0;

  // The most UTF-16 units of one message.
  virtual size_t max_text_units() const = 0;
  // Sends plain text; its id. Where the service knows such keys, the same key never makes two messages.
  virtual Result<std::string> send(const std::string& chat, const std::string& text, const std::string& key,
                                   Patience patience) = 0;
  // Whether edit() is there.
  virtual bool can_edit() const = 0;
  virtual Status edit(const std::string& chat, const std::string& message, const std::string& text,
                      Patience patience) = 0;
  // Shows for some seconds that an answer is being written, tried once.
  virtual void show_typing(const std::string& chat) = 0;

  // The bytes of a file. Error: exhausted (it has more than max_bytes).
  virtual Result<std::string> fetch(const std::string& file, int64_t max_bytes) = 0;
};

}  // namespace melete
