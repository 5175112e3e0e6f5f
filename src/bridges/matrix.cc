#include "bridges/matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "base/log.h"
#include "base/random.h"
#include "bridges/json_fields.h"
#include "bridges/matrix_events.h"

namespace melete {
namespace {

constexpr int kSyncMs = 30'000;
constexpr std::chrono::seconds kSyncLimit{kSyncMs / 1000 + 30}, kMediaLimit{120}, kMatrixTypingLimit{5};
// Well within the 65,536 bytes of an event, of which a unit takes at most three.
constexpr size_t kMaxMessageUnits = 4000;
constexpr int kMaxPages = 20, kPageEvents = 100;

// Only what is read; the rest of the account's life stays at the server.
const char* const kFilter =
    R"({"presence":{"types":[]},"account_data":{"types":[]},"room":{"account_data":{"types":[]},)"
    R"("ephemeral":{"types":[]},"state":{"types":[]},)"
    R"("timeline":{"limit":50,"types":["m.room.message","m.room.encrypted","m.room.member"]}}})";
const char* const kPageFilter = R"({"types":["m.room.message","m.room.encrypted","m.room.member"]})";

// One segment of a path, or a value of a query (RFC 3986).
std::string percent_encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                          c == '-' || c == '_' || c == '.' || c == '~';
    encoded += is_plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<uint8_t>(c));
  }
  return encoded;
}

class MatrixBridge : public Bridge {
 public:
  MatrixBridge(const std::string& url, const std::string& token, ServiceTime time)
      : url_(url), token_(token), calls_("matrix", token, matrix_delay_ms, std::move(time)) {}

  const std::string& name() const override { return calls_.name(); }
  void stop() override { calls_.stop(); }

  Result<BridgeAccount> connect() override {
    MELETE_ASSIGN_OR_RETURN(
        const Json me, ask(get("whoami", "/_matrix/client/v3/account/whoami", ServiceCall::Kind::receive)));
    const std::string id = text_field(me, "user_id");
    if (id.empty())
      return corrupt("[matrix] whoami must give the account's id, got none; check the service's address");
    const std::lock_guard lock(mutex_);
    self_ = id;
    return BridgeAccount{id, id};
  }

  // At the very first time only what comes from now on, and invitations.
  Result<Received> receive(const std::string& since) override {
    const std::string query =
        since.empty() ? "&timeout=0" : cat("&timeout=", kSyncMs, "&since=", percent_encoded(since));
    ServiceCall call = get("sync", cat("/_matrix/client/v3/sync?filter=", percent_encoded(kFilter), query),
                           ServiceCall::Kind::receive);
    call.limit = kSyncLimit;
    call.max_bytes = int64_t{64} << 20;
    MELETE_ASSIGN_OR_RETURN(const Json body, ask(call));
    MELETE_ASSIGN_OR_RETURN(MatrixSync sync, read_matrix_sync(body, self()));
    Received received{sync.next, std::move(sync.invites)};
    if (since.empty()) return received;
    for (MatrixRoom& room : sync.rooms) {
      if (!room.gap.empty()) MELETE_RETURN_IF_ERROR(fill_gap(room, since));
      std::move(room.messages.begin(), room.messages.end(), std::back_inserter(received.messages));
    }
    return received;
  }

  Status join(const std::string& chat) override {
    MELETE_RETURN_IF_ERROR(
        ask(post("join", cat("/_matrix/client/v3/join/", percent_encoded(chat)), Json::object())));
    return ok_status();
  }

  size_t max_text_units() const override { return kMaxMessageUnits; }

  Result<std::string> send(const std::string& chat, const std::string& text, const std::string& key,
                           Patience patience) override {
    const Json content = {{"msgtype", "m.notice"}, {"body", text}, {"m.mentions", Json::object()}};
    ServiceCall call = post("send",
                            cat("/_matrix/client/v3/rooms/", percent_encoded(chat), "/send/m.room.message/",
                                fmt::format("melete-{:016x}", stable_hash(key))),
                            content);
    call.http.method = "PUT";
    call.patience = patience;
    MELETE_ASSIGN_OR_RETURN(const Json sent, ask(call));
    return text_field(sent, "event_id");
  }

  bool can_edit() const override { return false; }
  Status edit(const std::string&, const std::string&, const std::string&, Patience) override {
    return ok_status();
  }

  void show_typing(const std::string& chat) override {
    ServiceCall call =
        post("typing",
             cat("/_matrix/client/v3/rooms/", percent_encoded(chat), "/typing/", percent_encoded(self())),
             {{"typing", true}, {"timeout", 10'000}});
    call.http.method = "PUT";
    call.patience = Patience::once;
    call.limit = kMatrixTypingLimit;
    if (const auto shown = ask(call); !shown.ok()) log_debug(shown.error().message);
  }

  Result<std::string> fetch(const std::string& file, int64_t max_bytes) override {
    const std::string path = media_path(file);
    if (path.empty())
      return invalid_argument(
          "[matrix] a file's address must be mxc://SERVER/ID, got another; send it again");
    ServiceReply reply;
    for (const char* place : {"/_matrix/client/v1/media/download/", "/_matrix/media/v3/download/"}) {
      ServiceCall call = get("a file", place + path, ServiceCall::Kind::fetch);
      call.limit = kMediaLimit;
      call.max_bytes = max_bytes;
      call.is_file = true;
      MELETE_ASSIGN_OR_RETURN(reply, calls_.call(call));
      if (reply.status == 200) return std::move(reply.bytes);
      if (!is_unknown_route(reply)) return refusal(call, reply);
    }
    return invalid_argument("[matrix] the server must have the file, got M_UNRECOGNIZED; send it again");
  }

 private:
  std::string self() {
    const std::lock_guard lock(mutex_);
    return self_;
  }

  ServiceCall get(const std::string& what, const std::string& path, ServiceCall::Kind kind) const {
    ServiceCall call;
    call.what = what;
    call.kind = kind;
    call.http.url = url_ + path;
    call.http.key = token_;
    return call;
  }

  ServiceCall post(const std::string& what, const std::string& path, const Json& body) const {
    ServiceCall call = get(what, path, ServiceCall::Kind::send);
    call.http.body = json_text(body);
    return call;
  }

  // What came between `since` and the room's messages, oldest first, before them.
  Status fill_gap(MatrixRoom& room, const std::string& since) {
    std::string from = room.gap;
    for (int i = 0; i < kMaxPages && !from.empty(); ++i) {
      const auto body =
          ask(get("messages",
                  cat("/_matrix/client/v3/rooms/", percent_encoded(room.id),
                      "/messages?dir=b&from=", percent_encoded(from), "&to=", percent_encoded(since),
                      "&limit=", kPageEvents, "&filter=", percent_encoded(kPageFilter)),
                  ServiceCall::Kind::receive));
      if (!body.ok() && body.error().kind == ErrorKind::cancelled) return body.error();
      if (!body.ok()) {  // the room may be closed to us by now
        log_warn(body.error().message);
        return ok_status();
      }
      MatrixPage page = read_matrix_page(*body, room.id, self());
      room.messages.insert(room.messages.begin(), std::make_move_iterator(page.messages.begin()),
                           std::make_move_iterator(page.messages.end()));
      from = page.next == from ? std::string() : page.next;
    }
    if (!from.empty())
      log_warn("[matrix] a room had more new messages than are read; the oldest are left out");
    return ok_status();
  }

  Result<Json> ask(const ServiceCall& call) {
    MELETE_ASSIGN_OR_RETURN(ServiceReply reply, calls_.call(call));
    if (reply.status != 200) return refusal(call, reply);
    return std::move(reply.json);
  }

  Error refusal(const ServiceCall& call, const ServiceReply& reply) const {
    std::string why = text_field(reply.json, "errcode");
    if (const std::string more = text_field(reply.json, "error"); !more.empty()) why += ": " + more;
    return calls_.refused(call, reply.status, why);
  }

  // A server from before authenticated media says so of its route.
  static bool is_unknown_route(const ServiceReply& reply) {
    const std::string code = text_field(reply.json, "errcode");
    return (reply.status == 404 || reply.status == 405) && (code == "M_UNRECOGNIZED" || code.empty());
  }

  const std::string url_, token_;
  ServiceCalls calls_;
  std::mutex mutex_;
  std::string self_;
};

}  // namespace

std::unique_ptr<Bridge> make_matrix_bridge(const std::string& url, const std::string& token,
                                           ServiceTime time) {
  return std::make_unique<MatrixBridge>(url, token, std::move(time));
}

}  // namespace melete
