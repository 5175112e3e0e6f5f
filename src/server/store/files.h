// Files of one owner by content hash: bytes in a folder, name, type and size in the database.
//
// The same bytes are kept once an owner (never shared between owners, so that nobody learns what another
// has). A file lives as long as a message or a response refers to it; one that nothing has ever referred to
// goes after a day. Names are data and never paths.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "server/store/clock.h"
#include "server/store/owned.h"

namespace melete {

struct FileLimits {
  int64_t max_file_bytes = int64_t{64} << 20;
  int64_t max_owner_bytes = int64_t{10} << 30;
  int64_t max_owner_files = 100'000;
};

struct StoredFile {
  std::string id;    // "file_" and the BLAKE2b-256 of the bytes
  std::string name;  // as given, without control characters; may be empty
  std::string type;  // "image/png": from the bytes where they tell, else as given
  int64_t bytes = 0;
  int64_t created_ms = 0;
  int64_t num_references = 0;  // messages and responses
};

class Files {
 public:
  // `folder` is this owner's; it is made when needed.
  Files(Database& database, OwnerId owner, std::filesystem::path folder, Clock clock = system_time_ms,
        FileLimits limits = {});

  // Keeps the bytes, or finds those that are there already (the name is then the new one). Errors:
  // exhausted (a limit, which the message names), invalid_argument (the type is no MIME type), unavailable
  // (full disk, read-only folder).
  Result<StoredFile> put(std::string_view bytes, const std::string& name, const std::string& type);
  Result<StoredFile> get(const std::string& id) const;
  // Errors: not_found; corrupt if the bytes don't have their hash any more.
  Result<std::string> read(const std::string& id) const;
  Result<std::vector<StoredFile>> list() const;
  Result<int64_t> total_bytes() const;
  // Errors: invalid_argument while something refers to it.
  Status remove(const std::string& id);
  // Removes files older than `age_ms` that nothing refers to; how many.
  Result<int64_t> remove_unused(int64_t age_ms = kDayMs);

 private:
  Status check_room(int64_t bytes) const;

  Owned owned_;
  std::filesystem::path folder_;
  Clock clock_;
  FileLimits limits_;
};

// Where the bytes of a file lie below its owner's folder.
std::filesystem::path file_path(const std::filesystem::path& owner_folder, const std::string& id);

}  // namespace melete
