// Lists of tasks in configurations: "addition=2,clock=0" and "shapes,clock".
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"

namespace melete {

// Numbers are 0 or more. Errors: invalid_argument naming `field`, what was given, and, for a name that isn't
// a registered task, where to find those.
Result<std::map<std::string, double>> parse_task_numbers(std::string_view field, const std::string& text);

// "shapes,clock". Errors as above.
Result<std::set<std::string>> parse_task_names(std::string_view field, const std::string& text);

}  // namespace melete
