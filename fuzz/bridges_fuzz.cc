// Any bytes as what a chat service says: its updates, events and refusals are read or refused, what is read
// can be kept, and any text is split into parts within the limit.
//
// The first byte chooses the length of the parts.
#include <string>
#include <string_view>

#include "bridges/commands.h"
#include "bridges/matrix_events.h"
#include "bridges/split_text.h"
#include "bridges/telegram_updates.h"

namespace {

void check(const std::vector<melete::Incoming>& messages) {
  for (const melete::Incoming& message : messages) {
    MELETE_CHECK(!message.event.empty() && !message.sender.empty());
    const melete::Json kept = melete::to_json(message);
    MELETE_CHECK(melete::to_json(melete::incoming_from(kept)) == kept);
    melete::read_command(message.text, "@bot");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t max_units = 100 + data[0];
  for (const std::string& part : melete::split_text(melete::plain_text(bytes), max_units))
    MELETE_CHECK(!part.empty() && melete::utf16_units(part) <= max_units);
  melete::read_command(bytes, "@bot");
  melete::media_path(std::string(bytes));
  const auto json = melete::parse_json(bytes, "fuzz");
  if (!json.ok()) return 0;
  melete::incoming_from(*json);
  MELETE_CHECK(melete::telegram_delay_ms(*json) >= 0 && melete::matrix_delay_ms(*json) >= 0);
  if (const auto updates = melete::read_telegram_updates(*json); updates.ok()) check(updates->messages);
  if (const auto sync = melete::read_matrix_sync(*json, "@melete:x.org"); sync.ok()) {
    check(sync->invites);
    for (const auto& room : sync->rooms) check(room.messages);
  }
  check(melete::read_matrix_page(*json, "!room:x.org", "@melete:x.org").messages);
  return 0;
}
