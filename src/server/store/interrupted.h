// What a former server left behind in conversations: an answer that was being made when it ended. Its message
// gets what the log has of it, and says that it was interrupted.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/event.h"
#include "server/store/event_logs.h"

namespace melete {

class Store;

// What an answer said as far as its log goes. Of several agents nothing, since none was chosen yet.
struct PartialAnswer {
  std::string text, reasoning;
};
PartialAnswer partial_answer(const std::vector<Event>& events);

// For every owner's answers that are still "running"; before EventLogs::recover(). Errors: those of Database.
Status complete_interrupted(Store& store);

}  // namespace melete
