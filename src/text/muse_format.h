// The Muse format as a ChatFormat.
#pragma once

#include "text/chat_format.h"

namespace melete {

std::shared_ptr<const ChatFormat> make_muse_format(std::shared_ptr<const Tokenizer> tokenizer);

}  // namespace melete
