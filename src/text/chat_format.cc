#include "text/chat_format.h"

#include <algorithm>

#include "text/muse_format.h"
#include "text/special_tokens.h"
#include "text/template_format.h"

namespace melete {

bool has_muse_tokens(const Tokenizer& tokenizer) {
  const auto has = [&](std::string_view token) { return tokenizer.special_id(token).has_value(); };
  return has(kBeginOfText) && has(kStart) && has(kMessage) && has(kEom) && has(kEot);
}

Result<std::shared_ptr<const ChatFormat>> make_chat_format(const ChatSource& source,
                                                           std::shared_ptr<const Tokenizer> tokenizer,
                                                           std::string_view where) {
  if (has_muse_tokens(*tokenizer)) return make_muse_format(std::move(tokenizer));
  if (source.chat_template.empty()) return make_text_format(source, std::move(tokenizer));
  return make_template_format(source, std::move(tokenizer), where);
}

}  // namespace melete
