#include "base/check.h"

namespace melete {

void check_failed(const char* file, int line, const char* condition, const std::string& values) {
  throw Bug(cat("[", file, ":", line, "] must hold: ", condition, values.empty() ? "" : "; ", values));
}

}  // namespace melete
