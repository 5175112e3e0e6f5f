// How pictures, sounds, clips and tables given with a question stand in the user's message. Training data and
// conversations must agree on it to the byte, since small models don't forgive.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "media/preprocess.h"
#include "text/conversation.h"

namespace melete {

// The media as the towers take them, in their order, then one untrusted text: each attached text without line
// breaks at its end and followed by a blank line, then `question`. No text part if that is empty. Errors:
// preprocess()'s.
Result<std::vector<MessagePart>> attached_parts(std::span<const Part> attachments, std::string_view question,
                                                const MediaLimits& limits);

}  // namespace melete
