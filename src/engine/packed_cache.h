// The folder of packed weights that are kept between starts (packed_weights.h), and the thread that writes
// them.
//
// A file a model and weight type. What is there is only ever a copy of what the model's files give: whatever
// goes wrong with it, weights are packed as if there were none. Several processes may share a folder.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/packed_weights.h"

namespace melete {

struct PackedFolder {
  std::filesystem::path path;
  int64_t max_bytes = int64_t{16} << 30;  // of all files; and at most a quarter of what the disk could give
  int64_t min_bytes = int64_t{8} << 20;   // smaller models are packed faster than a file is worth
};

// $MELETE_PACKED_CACHE, else $XDG_CACHE_HOME/melete/packed, else ~/.cache/melete/packed; nothing if the first
// is "off" or none is set.
std::optional<PackedFolder> default_packed_folder();

struct PackedFile {
  std::filesystem::path path;
  std::string key;  // empty: of another version, or damaged
  int64_t bytes = 0;
  int64_t used_ns = 0;  // since 1970, when it was last written or read
};

// Oldest first; without a folder none.
std::vector<PackedFile> packed_files(const PackedFolder& folder);

// Removes all files, also those that a killed process was writing; returns the bytes that they took. Error:
// unavailable.
Result<int64_t> clear_packed_files(const PackedFolder& folder);

class PackedCache {
 public:
  explicit PackedCache(PackedFolder folder);
  ~PackedCache();  // a file that is nearly written is finished, any other given up
  PackedCache(const PackedCache&) = delete;
  PackedCache& operator=(const PackedCache&) = delete;

  // What is kept for a key; nothing found if that can't be used.
  PackedWeights open(const std::string& key);

  // Writes them, on a thread of the lowest priority, if some are new and there is room.
  void keep(PackedWeights weights);

  void wait();  // until everything is written

 private:
  void write(const PackedWeights& weights, const std::stop_token& stop) const;
  std::filesystem::path path_of(const std::string& key) const;
  bool make_room(const std::filesystem::path& file, int64_t bytes) const;

  PackedFolder folder_;
  std::jthread writer_;
};

}  // namespace melete
