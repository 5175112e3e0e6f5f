// A chat template as a ChatFormat; and plain text for models without one.
#pragma once

#include "text/chat_format.h"

namespace melete {

// Errors: corrupt (the template isn't one).
Result<std::shared_ptr<const ChatFormat>> make_template_format(const ChatSource& source,
                                                               std::shared_ptr<const Tokenizer> tokenizer,
                                                               std::string_view where);

// The messages' texts, one after the other with blank lines between; the model goes on with them.
std::shared_ptr<const ChatFormat> make_text_format(const ChatSource& source,
                                                   std::shared_ptr<const Tokenizer> tokenizer);

}  // namespace melete
