#include "server/store/interrupted.h"

#include "base/log.h"
#include "server/store/rows.h"
#include "server/store/store.h"

namespace melete {
namespace {

struct Running {
  OwnerId owner = 0;
  std::string answer, conversation;
};

Result<std::vector<Running>> running_answers(Database& database) {
  MELETE_ASSIGN_OR_RETURN(
      Statement rows, database.prepare("looking for interrupted answers",
                                       "SELECT owner, id, conversation FROM answers WHERE status = 'running' "
                                       "AND conversation IS NOT NULL"));
  return read_rows(rows, [](const Statement& row) {
    return Running{row.integer(0), row.text(1), row.text(2)};
  });
}

Status complete(Store& store, const Running& running) {
  Conversations all = store.conversations(running.owner);
  MELETE_ASSIGN_OR_RETURN(const auto tree, all.tree(running.conversation));
  for (const StoredMessage& message : tree) {
    if (message.meta.value("answer", "") != running.answer) continue;
    PartialAnswer partial;
    const auto events = store.event_logs().read(running.owner, running.answer);
    // A log that can't be read takes no message with it.
    if (events.ok())
      partial = partial_answer(*events);
    else
      log_warn(events.error().message);
    Json meta = message.meta;
    meta["status"] = "interrupted";
    meta["reasoning"] = partial.reasoning;
    return all.replace(running.conversation, message.id, partial.text, meta);
  }
  return ok_status();
}

}  // namespace

PartialAnswer partial_answer(const std::vector<Event>& events) {
  PartialAnswer partial;
  for (const Event& event : events) {
    if (event.agent > 0) return {};
    if (event.kind != "agent.delta") continue;
    const std::string channel = event.data.value("channel", ""), text = event.data.value("text", "");
    if (channel == "answer") partial.text += text;
    if (channel == "reasoning") partial.reasoning += text;
  }
  return partial;
}

Status complete_interrupted(Store& store) {
  MELETE_ASSIGN_OR_RETURN(const auto running, running_answers(store.database()));
  for (const Running& each : running) MELETE_RETURN_IF_ERROR(complete(store, each));
  return ok_status();
}

}  // namespace melete
