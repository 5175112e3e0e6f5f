// A question of ours as the body of a remote server's POST /chat/completions. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "agent/mode.h"
#include "base/json.h"

namespace melete {

// What a remote server was found to take (RemoteModel::connect).
struct RemoteAbilities {
  bool reasons = false;  // its answers came with reasoning
  Json reasoning_off;    // the fields that switch that off; null: none do
  bool tools = false, vision = false, log_probs = false;
};

// One agent's question. Reasoning is switched off in mode instant where the server can.
// Errors: invalid_argument (log-probabilities of the answer; pictures or tools that the server doesn't take;
// sounds and clips; a form of the answer other than JSON).
Result<Json> completion_request(const std::string& model, const RemoteAbilities& abilities,
                                const std::string& mode, const Request& request, int32_t agent);

}  // namespace melete
