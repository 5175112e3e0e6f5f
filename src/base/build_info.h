// Which build this is. Runs and reports save both values.
#pragma once

namespace melete {

const char* build_version();  // "0.1.0"
const char* build_commit();   // short commit, "-dirty" if the tree had changes, or "unknown" outside git

}  // namespace melete
