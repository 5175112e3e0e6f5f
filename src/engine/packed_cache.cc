#include "engine/packed_cache.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "base/hex.h"
#include "media/hash.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".packed";
// The end of a process may wait for the writing of so many bytes.
constexpr int64_t kFinishedAtEnd = int64_t{256} << 20;
// After so long no unfinished file is still written.
constexpr int64_t kStale_ns = int64_t{3600} * 1'000'000'000;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// "NAME.packed.XXXXXX", as FileWriter names what isn't whole yet.
bool is_unfinished(const fs::path& path) {
  return path.stem().extension() == kSuffix && path.extension().string().size() == 7;
}

int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

// Calls see(path, bytes, time of the last use) for each of the folder's files that are ours.
template <class See>
void for_each_file(const fs::path& folder, See&& see) {
  std::error_code ignored;
  for (fs::directory_iterator at(folder, ignored), end; !ignored && at != end; at.increment(ignored)) {
    const fs::path& path = at->path();
    struct stat info {};
    if (path.extension() != kSuffix && !is_unfinished(path)) continue;
    if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    see(path, int64_t{info.st_size}, info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec);
  }
}

// The files without their keys.
std::vector<PackedFile> found_files(const fs::path& folder) {
  std::vector<PackedFile> files;
  for_each_file(folder, [&](const fs::path& path, int64_t bytes, int64_t used_ns) {
    if (!is_unfinished(path)) files.push_back({path, "", bytes, used_ns});
  });
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.used_ns < b.used_ns; });
  return files;
}

void remove_unfinished(const fs::path& folder, int64_t older_than_ns) {
  std::vector<fs::path> stale;
  for_each_file(folder, [&](const fs::path& path, int64_t, int64_t written_ns) {
    if (is_unfinished(path) && written_ns < older_than_ns) stale.push_back(path);
  });
  std::error_code ignored;
  for (const fs::path& path : stale) fs::remove(path, ignored);
}

}  // namespace

std::optional<PackedFolder> default_packed_folder() {
  if (const std::string given = variable("MELETE_PACKED_CACHE"); !given.empty())
    return given == "off" ? std::nullopt : std::optional(PackedFolder{given});
  if (const std::string cache = variable("XDG_CACHE_HOME"); !cache.empty() && cache[0] == '/')
    return PackedFolder{fs::path(cache) / "melete/packed"};
  if (const std::string home = variable("HOME"); !home.empty())
    return PackedFolder{fs::path(home) / ".cache/melete/packed"};
  return std::nullopt;
}

std::vector<PackedFile> packed_files(const PackedFolder& folder) {
  std::vector<PackedFile> files = found_files(folder.path);
  for (PackedFile& file : files) {
    auto key = PackedWeights::key_of(file.path);
    if (key.ok()) file.key = std::move(key).value();
  }
  return files;
}

Result<int64_t> clear_packed_files(const PackedFolder& folder) {
  int64_t removed = 0;
  std::vector<std::pair<fs::path, int64_t>> files;
  for_each_file(folder.path,
                [&](const fs::path& path, int64_t bytes, int64_t) { files.emplace_back(path, bytes); });
  for (const auto& [path, bytes] : files) {
    std::error_code error;
    fs::remove(path, error);
    if (error)
      return unavailable("[", path.string(), "] must be possible to remove, got: ", error.message(),
                         "; check the folder's permissions");
    removed += bytes;
  }
  return removed;
}

PackedCache::PackedCache(PackedFolder folder) : folder_(std::move(folder)) {}

PackedCache::~PackedCache() = default;

void PackedCache::wait() {
  if (writer_.joinable()) writer_.join();
}

fs::path PackedCache::path_of(const std::string& key) const {
  const auto hash = hash_bytes(std::span(reinterpret_cast<const uint8_t*>(key.data()), key.size()), 0);
  return folder_.path / (hex_text(hash) + std::string(kSuffix));
}

PackedWeights PackedCache::open(const std::string& key) {
  const fs::path file = path_of(key);
  auto kept = PackedWeights::open(file, key);
  if (!kept.ok()) return PackedWeights(key);
  ::utimensat(AT_FDCWD, file.c_str(), nullptr, 0);  // the time of its last use; without leave to set it, none
  return std::move(kept).value();
}

void PackedCache::keep(PackedWeights weights) {
  if (!weights.has_new() || weights.file_bytes() < folder_.min_bytes) return;
  wait();
  writer_ =
      std::jthread([this, kept = std::move(weights)](const std::stop_token& stop) { write(kept, stop); });
}

// Removes the files used longest ago until `bytes` more find room; false if they can't.
bool PackedCache::make_room(const fs::path& file, int64_t bytes) const {
  std::error_code error;
  const fs::space_info space = fs::space(folder_.path, error);
  if (error) return false;
  std::vector<PackedFile> files = found_files(folder_.path);
  std::erase_if(files, [&](const PackedFile& other) { return other.path == file; });
  int64_t taken = 0;
  for (const PackedFile& other : files) taken += other.bytes;
  const auto free = static_cast<int64_t>(std::min<uintmax_t>(space.available, uint64_t{1} << 62));
  const int64_t most = std::min(folder_.max_bytes, (free + taken) / 4);
  if (bytes > most) return false;
  for (const PackedFile& other : files) {
    if (taken + bytes <= most) break;
    if (fs::remove(other.path, error)) taken -= other.bytes;
  }
  return taken + bytes <= most;
}

void PackedCache::write(const PackedWeights& weights, const std::stop_token& stop) const {
  ::setpriority(PRIO_PROCESS, 0, 19);  // on Linux: of this thread
  const fs::path file = path_of(weights.key());
  std::error_code ignored;
  fs::create_directories(folder_.path.parent_path(), ignored);
  ::mkdir(folder_.path.c_str(), 0700);
  remove_unfinished(folder_.path, now_ns() - kStale_ns);
  if (!make_room(file, weights.file_bytes())) return;
  // Without success nothing is kept, and the next start packs again: no error of the program's.
  (void)weights.write(file, [&](int64_t left) { return !stop.stop_requested() || left <= kFinishedAtEnd; });
}

}  // namespace melete
