#include "bridges/matrix_events.h"

#include <algorithm>
#include <optional>

#include "bridges/json_fields.h"

namespace melete {
namespace {

constexpr std::string_view kDigitsAndLetters =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

bool is_join_of(const Json& event, const std::string& self) {
  return text_field(event, "type") == "m.room.member" && text_field(event, "state_key") == self &&
         text_field(field_of(event, "content"), "membership") == "join";
}

// Older clients repeat what a reply replies to in lines that begin with "> ", and an empty line.
std::string without_reply_quote(std::string text) {
  if (!text.starts_with("> ")) return text;
  size_t at = 0;
  while (text.compare(at, 2, "> ") == 0 || text.compare(at, 2, ">\n") == 0) {
    const size_t end = text.find('\n', at);
    if (end == std::string::npos) return text;
    at = end + 1;
  }
  return text.substr(text[at] == '\n' ? at + 1 : at);
}

// A picture or sound: its file, and its text where that isn't only the file's name.
void read_file(const Json& content, Incoming& incoming) {
  const std::string url = text_field(content, "url"), name = text_field(content, "filename");
  incoming.text = name.empty() || name == incoming.text ? std::string() : incoming.text;
  if (field_of(content, "file").is_object()) {
    incoming.unreadable = "an encrypted file";
    return;
  }
  const Json& size = field_of(field_of(content, "info"), "size");
  const double bytes = size.is_number() ? size.get<double>() : -1;
  const bool is_known = bytes >= 0 && bytes < 1e15;
  if (media_path(url).empty())
    incoming.unreadable = "a file without an address";
  else
    incoming.files.push_back({url, is_known ? static_cast<int64_t>(bytes) : -1});
}

// Nothing: it isn't for us.
std::optional<Incoming> read_event(const Json& event, const std::string& room, const std::string& self) {
  Incoming incoming;
  incoming.event = text_field(event, "event_id");
  incoming.sender = text_field(event, "sender");
  incoming.chat = room;
  const std::string type = text_field(event, "type");
  const bool is_ours = incoming.sender == self || incoming.sender.empty() || incoming.event.empty();
  if (is_ours || event.contains("state_key")) return std::nullopt;
  if (type == "m.room.encrypted") {
    incoming.event = "encrypted " + room;
    incoming.unreadable = "an encrypted message";
    return incoming;
  }
  const Json& content = field_of(event, "content");
  const Json& relation = field_of(content, "m.relates_to");
  if (type != "m.room.message" || text_field(relation, "rel_type") == "m.replace") return std::nullopt;
  const std::string kind = text_field(content, "msgtype");
  incoming.text = text_field(content, "body");
  if (kind == "m.text" || kind == "m.emote") {
    if (field_of(relation, "m.in_reply_to").is_object()) incoming.text = without_reply_quote(incoming.text);
  } else if (kind == "m.image" || kind == "m.audio") {
    read_file(content, incoming);
  } else if (kind == "m.file" || kind == "m.video" || kind == "m.location") {
    incoming.text.clear();
    incoming.unreadable = "a message of that kind";
  } else {
    return std::nullopt;
  }
  if (incoming.text.empty() && incoming.files.empty() && incoming.unreadable.empty()) return std::nullopt;
  return incoming;
}

// Events from the oldest on. False: they begin before we joined.
template <class Events>
bool read_events(const Events& events, const std::string& room, const std::string& self,
                 std::vector<Incoming>& messages) {
  bool was_there = true;
  for (const Json& event : events) {
    if (!event.is_object()) continue;
    if (is_join_of(event, self)) {
      messages.clear();
      was_there = false;
    } else if (auto incoming = read_event(event, room, self)) {
      messages.push_back(*std::move(incoming));
    }
  }
  return was_there;
}

std::optional<Incoming> read_invite(const std::string& room, const Json& invited, const std::string& self,
                                    const std::string& next) {
  const Json& events = field_of(field_of(invited, "invite_state"), "events");
  if (!events.is_array()) return std::nullopt;
  for (const Json& event : events) {
    const bool is_invite = text_field(event, "type") == "m.room.member" &&
                           text_field(event, "state_key") == self &&
                           text_field(field_of(event, "content"), "membership") == "invite";
    if (!is_invite || text_field(event, "sender").empty()) continue;
    Incoming invite;
    invite.kind = Incoming::Kind::invite;
    invite.event = cat("invite ", room, " ", next);  // one may be invited again later
    invite.chat = room;
    invite.sender = text_field(event, "sender");
    return invite;
  }
  return std::nullopt;
}

}  // namespace

Result<MatrixSync> read_matrix_sync(const Json& body, const std::string& self) {
  MatrixSync sync;
  sync.next = text_field(body, "next_batch");
  if (sync.next.empty())
    return corrupt("[matrix] /sync must give next_batch, got none; check the service's address");
  const Json& rooms = field_of(body, "rooms");
  if (const Json& joined = field_of(rooms, "join"); joined.is_object())
    for (const auto& [id, room] : joined.items()) {
      MatrixRoom& read = sync.rooms.emplace_back();
      read.id = id;
      const Json& timeline = field_of(room, "timeline");
      const Json& events = field_of(timeline, "events");
      const bool was_there = !events.is_array() || read_events(events, id, self, read.messages);
      if (was_there && field_of(timeline, "limited") == true) read.gap = text_field(timeline, "prev_batch");
    }
  if (const Json& invited = field_of(rooms, "invite"); invited.is_object())
    for (const auto& [id, room] : invited.items())
      if (auto invite = read_invite(id, room, self, sync.next)) sync.invites.push_back(*std::move(invite));
  return sync;
}

MatrixPage read_matrix_page(const Json& body, const std::string& room, const std::string& self) {
  MatrixPage page;
  const Json& chunk = field_of(body, "chunk");
  if (!chunk.is_array() || chunk.empty()) return page;
  std::vector<Json> events(chunk.begin(), chunk.end());
  std::reverse(events.begin(), events.end());
  if (read_events(events, room, self, page.messages)) page.next = text_field(body, "end");
  return page;
}

std::string media_path(const std::string& url) {
  const std::string_view scheme = "mxc://";
  if (!url.starts_with(scheme)) return {};
  const std::string path = url.substr(scheme.size());
  const size_t slash = path.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == path.size() || path.size() > 500) return {};
  const std::string server = path.substr(0, slash), id = path.substr(slash + 1);
  const auto is_made_of = [](const std::string& text, const std::string& more) {
    return text.find_first_not_of(std::string(kDigitsAndLetters) + more) == std::string::npos;
  };
  // No path may be made of dots alone: ".." would be another address.
  const bool has_name = server.find_first_of(kDigitsAndLetters) != std::string::npos;
  return has_name && is_made_of(server, ".-:[]") && is_made_of(id, "-_") ? path : std::string();
}

int64_t matrix_delay_ms(const Json& refusal) {
  const Json& delay = field_of(refusal, "retry_after_ms");
  if (!delay.is_number()) return 0;
  return static_cast<int64_t>(std::clamp(delay.get<double>(), 0.0, 86'400'000.0));
}

}  // namespace melete
