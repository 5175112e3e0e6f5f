#include "bridges/telegram_updates.h"

#include <algorithm>
#include <optional>

#include "bridges/json_fields.h"

namespace melete {
namespace {

// Beyond it, neither side keeps numbers exactly.
constexpr int64_t kMaxId = int64_t{1} << 53;

std::optional<int64_t> id_of(const Json& object, const char* name) {
  const Json& value = field_of(object, name);
  if (!value.is_number_integer()) return std::nullopt;
  if (value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(kMaxId))
    return std::nullopt;
  const auto id = value.get<int64_t>();
  if (id < -kMaxId || id > kMaxId) return std::nullopt;
  return id;
}

std::optional<IncomingFile> file_of(const Json& object) {
  IncomingFile file{text_field(object, "file_id"), id_of(object, "file_size").value_or(-1)};
  if (file.id.empty()) return std::nullopt;
  return file;
}

// The sizes that there are of one picture: the largest.
std::optional<IncomingFile> picture_of(const Json& sizes) {
  std::optional<IncomingFile> best;
  int64_t most = -1;
  if (!sizes.is_array()) return best;
  for (const Json& size : sizes) {
    const auto file = file_of(size);
    const auto width = std::clamp<int64_t>(id_of(size, "width").value_or(0), 0, 1 << 20);
    const auto height = std::clamp<int64_t>(id_of(size, "height").value_or(0), 0, 1 << 20);
    if (!file || width * height <= most) continue;
    most = width * height;
    best = file;
  }
  return best;
}

void read_content(const Json& message, Incoming& incoming) {
  incoming.text = text_field(message, "text");
  if (incoming.text.empty()) incoming.text = text_field(message, "caption");
  if (const auto picture = picture_of(field_of(message, "photo"))) incoming.files.push_back(*picture);
  for (const char* name : {"voice", "audio"})
    if (const auto file = file_of(field_of(message, name))) incoming.files.push_back(*file);
  if (const Json& document = field_of(message, "document"); !document.is_null()) {
    const std::string type = text_field(document, "mime_type");
    const auto file = file_of(document);
    const bool is_animation = !field_of(message, "animation").is_null();
    if (file && !is_animation && (type.starts_with("image/") || type.starts_with("audio/")))
      incoming.files.push_back(*file);
    else
      incoming.unreadable = "a file of that kind";
  }
  for (const char* name : {"video", "video_note", "sticker", "location", "contact", "poll", "story"})
    if (!field_of(message, name).is_null()) incoming.unreadable = "a message of that kind";
}

// Nothing: it isn't for us.
std::optional<Incoming> read_message(const Json& message) {
  const Json& chat = field_of(message, "chat");
  const Json& from = field_of(message, "from");
  const auto chat_id = id_of(chat, "id"), sender = id_of(from, "id"), number = id_of(message, "message_id");
  const bool is_person = text_field(chat, "type") == "private" && field_of(from, "is_bot") != true;
  if (!is_person || !chat_id || !sender || !number) return std::nullopt;
  Incoming incoming;
  incoming.event = cat(*chat_id, "/", *number);
  incoming.chat = std::to_string(*chat_id);
  incoming.sender = std::to_string(*sender);
  if (const std::string name = text_field(from, "username"); !name.empty()) incoming.sender_name = "@" + name;
  read_content(message, incoming);
  if (incoming.text.empty() && incoming.files.empty() && incoming.unreadable.empty()) return std::nullopt;
  return incoming;
}

}  // namespace

Result<Received> read_telegram_updates(const Json& result) {
  if (!result.is_array())
    return corrupt("[telegram] getUpdates must give an array, got ", result.type_name(),
                   "; check the service's address");
  Received received;
  std::string album;
  std::optional<int64_t> last;
  for (const Json& update : result) {
    const auto id = id_of(update, "update_id");
    if (!id) continue;
    last = std::max(last.value_or(*id), *id);
    const Json& message = field_of(update, "message");
    auto incoming = read_message(message);
    if (!incoming) continue;
    const std::string group = text_field(message, "media_group_id");
    if (!group.empty() && group == album && received.messages.back().chat == incoming->chat) {
      Incoming& first = received.messages.back();
      if (first.text.empty()) first.text = incoming->text;
      if (first.unreadable.empty()) first.unreadable = incoming->unreadable;
      std::move(incoming->files.begin(), incoming->files.end(), std::back_inserter(first.files));
    } else {
      received.messages.push_back(*std::move(incoming));
    }
    album = group;
  }
  if (last) received.next = std::to_string(*last + 1);
  return received;
}

int64_t telegram_delay_ms(const Json& refusal) {
  return std::clamp<int64_t>(id_of(field_of(refusal, "parameters"), "retry_after").value_or(0), 0, 86'400) *
         1000;
}

}  // namespace melete
