// A bot of Telegram, or of any server that speaks its Bot API: private chats by long polling. Source:
// Telegram Bot API 9: getMe, getUpdates, sendMessage, editMessageText, sendChatAction, getFile,
// setMyCommands.
//
// Texts go out without parse_mode, so that nothing in them is markup, and without previews of links, which
// would make the service fetch what a text names.
#pragma once

#include <memory>
#include <string>

#include "bridges/bridge.h"
#include "bridges/service_calls.h"

namespace melete {

// `url`: "https://api.telegram.org", or the service that stands for it; `token`: of letters, digits, -, _
// and :.
std::unique_ptr<Bridge> make_telegram_bridge(const std::string& url, const std::string& token,
                                             ServiceTime time = real_time());

}  // namespace melete
