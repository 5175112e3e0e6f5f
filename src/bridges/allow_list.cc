#include "bridges/allow_list.h"

#include "base/ascii.h"

namespace melete {

AllowList::AllowList(const std::vector<std::string>& entries) {
  for (const std::string& entry : entries) {
    const bool is_name = entry.starts_with("@") && entry.find(':') == std::string::npos;
    if (is_name)
      names_.insert(lower_ascii(entry));
    else if (!entry.empty())
      ids_.insert(entry);
  }
}

bool AllowList::allows(const Incoming& message) const {
  if (ids_.contains(message.sender)) return true;
  return !message.sender_name.empty() && names_.contains(lower_ascii(message.sender_name));
}

std::string problem_of_telegram_user(const std::string& entry) {
  const bool is_id =
      !entry.empty() && entry.size() <= 17 && entry.find_first_not_of("0123456789") == std::string::npos;
  const bool is_name =
      entry.size() >= 2 && entry.size() <= 65 && entry[0] == '@' &&
      lower_ascii(entry).find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_", 1) == std::string::npos;
  if (is_id || is_name) return {};
  return cat("allow must have users' numbers, as in \"123456789\", or names, as in \"@ann\", got \"", entry,
             "\"");
}

std::string problem_of_matrix_user(const std::string& entry) {
  const size_t colon = entry.find(':');
  const bool is_id = entry.size() <= 255 && entry.starts_with("@") && colon != std::string::npos &&
                     colon > 1 && colon + 1 < entry.size() &&
                     entry.find_first_of(" \t\r\n*") == std::string::npos;
  if (is_id) return {};
  return cat("allow must have users as in \"@ann:example.org\", got \"", entry, "\"");
}

}  // namespace melete
