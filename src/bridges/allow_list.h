// Who may use a bridge. Nobody is on an empty list.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "bridges/bridge.h"

namespace melete {

class AllowList {
 public:
  // Ids as the service has them, or names ("@ann"), which count in small and capital letters.
  explicit AllowList(const std::vector<std::string>& entries);

  bool allows(const Incoming& message) const;
  size_t size() const { return ids_.size() + names_.size(); }

 private:
  std::set<std::string> ids_, names_;
};

// What is wrong with an entry; empty if nothing. Telegram: "123456789" or "@name"; Matrix: "@name:server".
std::string problem_of_telegram_user(const std::string& entry);
std::string problem_of_matrix_user(const std::string& entry);

}  // namespace melete
