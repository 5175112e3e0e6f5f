// Tables for people, on stdout.
#pragma once

#include <string>
#include <vector>

namespace melete {

// Columns as wide as their longest cell; the first row is usually a heading.
void print_table(const std::vector<std::vector<std::string>>& rows);

}  // namespace melete
