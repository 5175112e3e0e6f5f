// What a Telegram-compatible Bot API says, read without trust. Source: Telegram Bot API 9, "Getting updates",
// "Message", "ResponseParameters".
#pragma once

#include <cstdint>
#include <string>

#include "bridges/bridge.h"

namespace melete {

// The result of getUpdates. Private chats only; of a group's messages nothing is taken, nor of what isn't
// understood. Pictures of one album that follow one another are one message. `next` is empty after a result
// without updates: all are then confirmed, and the service may number later ones anew. Errors: corrupt (no
// array).
Result<Received> read_telegram_updates(const Json& result);

// parameters.retry_after of a refusal, in milliseconds; 0 without it.
int64_t telegram_delay_ms(const Json& refusal);

}  // namespace melete
