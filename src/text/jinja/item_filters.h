// Filters over the items of a list or dict: choosing, mapping, sorting, joining.
#pragma once

#include <span>
#include <string_view>
#include <utility>

#include "text/jinja/interpreter.h"

namespace melete::jinja {

std::span<const std::pair<std::string_view, Filter>> item_filters();

}  // namespace melete::jinja
