// An account on a Matrix homeserver, in rooms that aren't encrypted. Source: Matrix specification v1.16,
// client-server API: /account/whoami, /sync, /rooms/{room}/messages, /join, /send, /typing, /media/download.
//
// Answers are notices (m.notice), which no bot answers, in plain text that mentions nobody.
#pragma once

#include <memory>
#include <string>

#include "bridges/bridge.h"
#include "bridges/service_calls.h"

namespace melete {

// `url`: of the homeserver's client API, "https://matrix.example.org".
std::unique_ptr<Bridge> make_matrix_bridge(const std::string& url, const std::string& token,
                                           ServiceTime time = real_time());

}  // namespace melete
