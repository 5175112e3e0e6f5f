// The schema of the database, as numbered steps. PRAGMA user_version is the number of steps taken.
//
// A step that has been released never changes; a change of the schema is a new step at the end.
#pragma once

#include <string_view>
#include <vector>

#include "server/store/database.h"

namespace melete {

const std::vector<std::string_view>& migrations();

Result<int64_t> schema_version(Database& database);

// Takes the steps that are missing up to the number `up_to` (all by default), in one transaction. Errors:
// invalid_argument (the database is newer than this program), and those of Database.
Status migrate(Database& database, int64_t up_to = static_cast<int64_t>(migrations().size()));

}  // namespace melete
