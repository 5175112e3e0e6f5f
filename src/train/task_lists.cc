#include "train/task_lists.h"

#include <algorithm>
#include <sstream>

#include "task/task.h"

namespace melete {
namespace {

Status check_task(std::string_view field, const std::string& name) {
  const auto names = Registry<Task>::instance().names();
  if (std::find(names.begin(), names.end(), name) != names.end()) return ok_status();
  return invalid_argument("[", field, "] must name tasks, got \"", name, "\"; see `melete task list`");
}

}  // namespace

Result<std::map<std::string, double>> parse_task_numbers(std::string_view field, const std::string& text) {
  std::map<std::string, double> numbers;
  std::istringstream entries(text);
  for (std::string entry; std::getline(entries, entry, ',');) {
    const size_t equals = entry.find('=');
    const std::string name = entry.substr(0, equals);
    char* end = nullptr;
    const double number = equals == std::string::npos ? -1 : std::strtod(entry.c_str() + equals + 1, &end);
    if (!(number >= 0) || (end && *end))
      return invalid_argument("[", field, "] must be NAME=NUMBER,... with numbers of 0 or more, got \"",
                              entry, "\"");
    MELETE_RETURN_IF_ERROR(check_task(field, name));
    numbers[name] = number;
  }
  return numbers;
}

Result<std::set<std::string>> parse_task_names(std::string_view field, const std::string& text) {
  std::set<std::string> names;
  std::istringstream entries(text);
  for (std::string name; std::getline(entries, name, ',');) {
    MELETE_RETURN_IF_ERROR(check_task(field, name));
    names.insert(name);
  }
  return names;
}

}  // namespace melete
