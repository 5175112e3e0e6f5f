#include "train/named_numbers.h"

#include <algorithm>
#include <sstream>

#include "task/task.h"

namespace melete {

Result<std::map<std::string, double>> parse_task_numbers(std::string_view field, const std::string& text) {
  const auto names = Registry<Task>::instance().names();
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
    if (std::find(names.begin(), names.end(), name) == names.end())
      return invalid_argument("[", field, "] must name tasks, got \"", name, "\"; see `melete task list`");
    numbers[name] = number;
  }
  return numbers;
}

}  // namespace melete
