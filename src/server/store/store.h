// Store: the data folder. melete.db (see migrations.h), files/OWNER/ (files.h), events/OWNER/ (event_logs.h).
//
// Any number of programs may open one data folder; at most one serves from it, which claim() ensures. What is
// deleted is gone for every reader at once; erase_garbage() then removes its bytes from the disk, and a
// thread of the store does so within seconds of a deletion (and after a kill, when the folder is next
// opened).
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "server/store/conversations.h"
#include "server/store/event_logs.h"
#include "server/store/files.h"
#include "server/store/responses.h"

namespace melete {

struct StoreOptions {
  Clock clock = system_time_ms;
  ConversationLimits conversations;
  FileLimits files;
  bool erase_in_background = true;  // else only erase_garbage() does
};

// `given`, else $XDG_DATA_HOME/melete, else ~/.local/share/melete. Errors: invalid_argument (none of them
// set).
Result<std::filesystem::path> data_folder(const std::string& given);

class Store {
 public:
  // Makes the folder if needed and brings the database up to date. Errors: unavailable (it can't be written),
  // corrupt, invalid_argument (made by a newer program).
  static Result<std::unique_ptr<Store>> open(const std::filesystem::path& folder, StoreOptions options = {});
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // For the program that serves: nothing else may until this store closes. Then notes what a former server
  // left unfinished (interrupted.h, EventLogs, Responses; Quotas::recover() is the caller's) and unlinks
  // files that no row knows. Errors: unavailable (another server has it).
  Status claim();

  Database& database() { return *database_; }
  Conversations conversations(OwnerId owner);
  Files files(OwnerId owner);
  Responses responses(OwnerId owner);
  EventLogs& event_logs() { return *event_logs_; }
  // Files that nothing has referred to for a day, of all owners; the thread of the store does so every hour.
  // How many.
  Result<int64_t> remove_unused_files();
  const std::filesystem::path& folder() const { return folder_; }
  const Clock& clock() const { return options_.clock; }

  // Unlinks the bytes of deleted files and logs and overwrites freed pages and journals of the database.
  // True: nothing is left; false: another program is reading, try again later. Errors: those of Database.
  Result<bool> erase_garbage();

 private:
  class Eraser;
  Store(std::filesystem::path folder, StoreOptions options, std::unique_ptr<Database> database);
  Status erase_files();
  Status remove_strays();

  const std::filesystem::path folder_;
  const StoreOptions options_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<EventLogs> event_logs_;
  int lock_fd_ = -1;
  std::unique_ptr<Eraser> eraser_;
};

}  // namespace melete
