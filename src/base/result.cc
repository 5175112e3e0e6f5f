#include "base/result.h"

#include <array>

namespace melete {
namespace {

struct KindRow {
  const char* name;
  int exit_code;
  int http_status;
};

constexpr std::array<KindRow, 7> kKinds = {{
    {"invalid_argument", 2, 400},
    {"not_found", 3, 404},
    {"exhausted", 4, 429},
    {"timeout", 5, 504},
    {"cancelled", 130, 499},
    {"corrupt", 6, 422},
    {"unavailable", 7, 503},
}};

const KindRow& row(ErrorKind kind) { return kKinds.at(static_cast<size_t>(kind)); }

}  // namespace

const char* name_of(ErrorKind kind) { return row(kind).name; }
int exit_code(ErrorKind kind) { return row(kind).exit_code; }
int http_status(ErrorKind kind) { return row(kind).http_status; }

}  // namespace melete
