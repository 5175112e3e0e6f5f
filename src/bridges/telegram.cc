#include "bridges/telegram.h"

#include "base/log.h"
#include "bridges/commands.h"
#include "bridges/json_fields.h"
#include "bridges/telegram_updates.h"

namespace melete {
namespace {

using std::chrono::seconds;

constexpr int kLongPollS = 50;
constexpr seconds kLongPollLimit{kLongPollS + 20}, kFileLimit{120}, kTypingLimit{5};
constexpr size_t kMaxUnits = 4096;

class TelegramBridge : public Bridge {
 public:
  TelegramBridge(const std::string& url, const std::string& token, ServiceTime time)
      : methods_(url + "/bot" + token + "/"),
        files_(url + "/file/bot" + token + "/"),
        calls_("telegram", token, telegram_delay_ms, std::move(time)) {}

  const std::string& name() const override { return calls_.name(); }
  void stop() override { calls_.stop(); }

  Result<BridgeAccount> connect() override {
    MELETE_ASSIGN_OR_RETURN(const Json me, ask(method("getMe", {}, ServiceCall::Kind::receive)));
    const Json& id = field_of(me, "id");
    if (!id.is_number_integer())
      return corrupt("[telegram] getMe must give the bot's id, got none; check the service's address");
    const BridgeAccount account{id.dump(), "@" + text_field(me, "username")};
    offer_commands();
    return account;
  }

  Result<Received> receive(const std::string& since) override {
    Json body = {{"timeout", kLongPollS}, {"limit", 100}, {"allowed_updates", {"message"}}};
    if (!since.empty() && since.find_first_not_of("0123456789") == std::string::npos && since.size() <= 16)
      body["offset"] = std::stoll(since);
    ServiceCall call = method("getUpdates", body, ServiceCall::Kind::receive);
    call.limit = kLongPollLimit;
    MELETE_ASSIGN_OR_RETURN(const Json result, ask(call));
    return read_telegram_updates(result);
  }

  Status join(const std::string&) override {
    return invalid_argument(
        "[telegram] a chat must be begun by a person, got an invitation; write to the bot");
  }

  size_t max_text_units() const override { return kMaxUnits; }

  Result<std::string> send(const std::string& chat, const std::string& text, const std::string&,
                           Patience patience) override {
    ServiceCall call = method("sendMessage", text_body(chat, text), ServiceCall::Kind::send);
    call.patience = patience;
    MELETE_ASSIGN_OR_RETURN(const Json sent, ask(call));
    const Json& id = field_of(sent, "message_id");
    return id.is_number_integer() ? id.dump() : std::string();
  }

  bool can_edit() const override { return true; }

  Status edit(const std::string& chat, const std::string& message, const std::string& text,
              Patience patience) override {
    if (message.empty())
      return invalid_argument("[telegram] a message must have an id to be edited, got none; send it anew");
    Json body = text_body(chat, text);
    body["message_id"] = number_of(message);
    ServiceCall call = method("editMessageText", body, ServiceCall::Kind::send);
    call.patience = patience;
    MELETE_ASSIGN_OR_RETURN(const ServiceReply reply, calls_.call(call));
    const std::string why = text_field(reply.json, "description");
    // The message says that already.
    if (reply.status == 200 || why.find("message is not modified") != std::string::npos) return ok_status();
    return calls_.refused(call, reply.status, why);
  }

  void show_typing(const std::string& chat) override {
    ServiceCall call = method("sendChatAction", {{"chat_id", number_of(chat)}, {"action", "typing"}},
                              ServiceCall::Kind::send);
    call.patience = Patience::once;
    call.limit = kTypingLimit;
    if (const auto shown = ask(call); !shown.ok()) log_debug(shown.error().message);
  }

  Result<std::string> fetch(const std::string& file, int64_t max_bytes) override {
    MELETE_ASSIGN_OR_RETURN(const Json found,
                            ask(method("getFile", {{"file_id", file}}, ServiceCall::Kind::fetch)));
    const std::string path = text_field(found, "file_path");
    if (!is_path(path))
      return invalid_argument(
          "[telegram] getFile must give a path below the service's address, got none; "
          "send the file again");
    ServiceCall call;
    call.what = "a file";
    call.kind = ServiceCall::Kind::fetch;
    call.http.url = files_ + path;
    call.limit = kFileLimit;
    call.max_bytes = max_bytes;
    call.is_file = true;
    MELETE_ASSIGN_OR_RETURN(ServiceReply reply, calls_.call(call));
    if (reply.status != 200) return calls_.refused(call, reply.status, text_field(reply.json, "description"));
    return std::move(reply.bytes);
  }

 private:
  ServiceCall method(const std::string& name, const Json& body, ServiceCall::Kind kind) const {
    ServiceCall call;
    call.what = name;
    call.kind = kind;
    call.http.url = methods_ + name;
    call.http.body = body.is_null() ? "{}" : json_text(body);
    return call;
  }

  // The result of a method.
  Result<Json> ask(const ServiceCall& call) {
    MELETE_ASSIGN_OR_RETURN(ServiceReply reply, calls_.call(call));
    const auto result = reply.json.find("result");
    if (reply.status != 200 || result == reply.json.end())
      return calls_.refused(call, reply.status, text_field(reply.json, "description"));
    return std::move(*result);
  }

  // Chats and messages are numbers there.
  static Json number_of(const std::string& id) {
    const bool is_number = !id.empty() && id.size() <= 17 &&
                           id.find_first_not_of("0123456789", id[0] == '-' ? 1 : 0) == std::string::npos &&
                           id != "-";
    return is_number ? Json(std::stoll(id)) : Json(id);
  }

  static Json text_body(const std::string& chat, const std::string& text) {
    return {{"chat_id", number_of(chat)}, {"text", text}, {"link_preview_options", {{"is_disabled", true}}}};
  }

  // "photos/file_1.jpg": nothing that leads elsewhere.
  static bool is_path(const std::string& path) {
    return !path.empty() && path.size() <= 1000 && path.find("..") == std::string::npos &&
           path.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_-.") ==
               std::string::npos;
  }

  // So that the app shows them in a menu; a service without that is fine too.
  void offer_commands() {
    Json commands = Json::array();
    for (const CommandHelp& command : chat_commands())
      commands.push_back({{"command", command.name}, {"description", command.summary}});
    ServiceCall call =
        method("setMyCommands", {{"commands", std::move(commands)}}, ServiceCall::Kind::receive);
    call.patience = Patience::once;
    if (const auto offered = ask(call); !offered.ok()) log_debug(offered.error().message);
  }

  const std::string methods_, files_;
  ServiceCalls calls_;
};

}  // namespace

std::unique_ptr<Bridge> make_telegram_bridge(const std::string& url, const std::string& token,
                                             ServiceTime time) {
  return std::make_unique<TelegramBridge>(url, token, std::move(time));
}

}  // namespace melete
