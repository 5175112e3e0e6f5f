#include "text/attachment.h"

namespace melete {

Result<std::vector<MessagePart>> attached_parts(std::span<const Part> attachments, std::string_view question,
                                                const MediaLimits& limits) {
  std::vector<MessagePart> parts;
  std::string text;
  for (const Part& part : attachments) {
    const auto* words = std::get_if<std::string>(&part);
    if (words == nullptr) {
      MELETE_ASSIGN_OR_RETURN(auto medium, preprocess(part, limits));
      parts.emplace_back(std::move(medium));
    } else if (const size_t last = words->find_last_not_of("\r\n"); last != std::string::npos) {
      text.append(*words, 0, last + 1).append("\n\n");
    }
  }
  text += question;
  if (!text.empty()) parts.emplace_back(TextPart{std::move(text), false});
  return parts;
}

}  // namespace melete
