#include "engine/prompt_cache_file.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <optional>

#include "base/file_writer.h"
#include "media/hash.h"

namespace melete {
namespace {

constexpr char kMagic[] = "MELETEKV";
constexpr uint64_t kVersion = 2, kMaxHeader = 1 << 20;
constexpr int64_t kEnd = -2;

std::string_view bytes_of(const auto& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

// The running hash of pieces.
class Checksum {
 public:
  void add(std::string_view bytes) {
    const auto hash =
        hash_bytes(std::span(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()), seed_);
    std::memcpy(value_, hash.data(), sizeof(value_));
    seed_ = value_[0] ^ value_[1];
  }
  std::string_view value() const { return bytes_of(value_); }

 private:
  uint64_t seed_ = 0;
  uint64_t value_[2] = {};
};

class Writer {
 public:
  explicit Writer(FileWriter& file) : file_(file) {}
  void put(std::string_view bytes) {
    checksum_.add(bytes);
    if (status_.ok()) status_ = file_.write(bytes);
  }
  Status finish() {
    if (status_.ok()) status_ = file_.write(checksum_.value());
    return status_.ok() ? file_.commit() : status_;
  }

 private:
  FileWriter& file_;
  Checksum checksum_;
  Status status_ = ok_status();
};

class Reader {
 public:
  explicit Reader(const std::filesystem::path& file) : in_(file, std::ios::binary) {}
  bool get(char* bytes, size_t size) {
    in_.read(bytes, static_cast<std::streamsize>(size));
    if (!in_) return false;
    checksum_.add({bytes, size});
    return true;
  }
  bool get(auto& value) { return get(reinterpret_cast<char*>(&value), sizeof(value)); }
  bool ends_here() {
    char stored[16];
    in_.read(stored, sizeof(stored));
    return in_ && checksum_.value() == std::string_view(stored, sizeof(stored)) && in_.peek() == EOF;
  }

 private:
  std::ifstream in_;
  Checksum checksum_;
};

std::string header_of(const KvLayout& layout, std::string_view fingerprint) {
  std::string header(fingerprint);
  const auto put = [&](int64_t value) { header.append(bytes_of(value)); };
  const PageShape& shape = layout.shape();
  for (const int64_t value : {kPagePositions, shape.heads.heads, shape.heads.kv_heads, shape.heads.head_dim,
                              static_cast<int64_t>(shape.type), layout.num_layers()})
    put(value);
  for (int64_t layer = 0; layer < layout.num_layers(); ++layer) put(layout.window(layout.group_of(layer)));
  return header;
}

struct Piece {
  int64_t parent = kEnd;
  std::vector<PositionKey> keys;
  std::vector<std::optional<std::string>> pages;  // one a group
};

// False at whatever can't be a piece of such a file.
bool read_piece(Reader& reader, const KvLayout& layout, Piece& piece) {
  uint64_t count = 0, mask = 0;
  if (!reader.get(piece.parent)) return false;
  if (piece.parent == kEnd) return true;
  if (!reader.get(count) || count == 0 || count > static_cast<uint64_t>(kPagePositions)) return false;
  piece.keys.resize(count);
  for (PositionKey& key : piece.keys) {
    if (!reader.get(key.high) || !reader.get(key.low)) return false;
  }
  if (!reader.get(mask)) return false;
  piece.pages.assign(static_cast<size_t>(layout.num_groups()), {});
  for (int64_t group = 0; group < layout.num_groups(); ++group) {
    if ((mask >> group & 1) == 0) continue;
    std::string& bytes = piece.pages[static_cast<size_t>(group)].emplace();
    bytes.resize(static_cast<size_t>(layout.page_bytes(group)));
    if (!reader.get(bytes.data(), bytes.size())) return false;
  }
  return true;
}

Status read_header(Reader& reader, const std::filesystem::path& file, const std::string& expected) {
  char magic[8];
  uint64_t version = 0, size = 0;
  if (!reader.get(magic, sizeof(magic)) || std::memcmp(magic, kMagic, sizeof(magic)) != 0 ||
      !reader.get(version) || !reader.get(size) || size > kMaxHeader)
    return corrupt("[", file.string(),
                   "] must be a file of remembered prompts, got something else; remove it");
  if (version < kVersion)
    return not_found("[", file.string(), "] must be of version ", kVersion, ", got ", version,
                     ", an earlier Melete's; it will be replaced");
  std::string header(size, '\0');
  if (!reader.get(header.data(), size))
    return corrupt("[", file.string(), "] must be whole, got a cut file; remove it");
  if (version != kVersion || header != expected)
    return invalid_argument("[", file.string(),
                            "] must be of this model, weight type and version, got prompts "
                            "of another; name another file");
  return ok_status();
}

// Takes a page a group from the pool; false if one finds no room beside what is there.
bool restore_piece(const Piece& piece, RadixCache& cache, KvPool& pool) {
  int64_t needed = 0;
  for (size_t group = 0; group < piece.pages.size(); ++group)
    needed += piece.pages[group] ? pool.layout().page_bytes(static_cast<int64_t>(group)) : 0;
  if (pool.bytes_in_use() + needed > pool.max_bytes() ||
      cache.statistics().bytes + needed > cache.max_bytes())
    return false;
  std::vector<KvPage*> pages(piece.pages.size());
  for (size_t group = 0; group < pages.size(); ++group) {
    if (!piece.pages[group]) continue;
    pages[group] = pool.acquire(static_cast<int64_t>(group));
    std::memcpy(pages[group]->bytes.get(), piece.pages[group]->data(), piece.pages[group]->size());
  }
  return cache.restore({piece.parent, piece.keys, pages});
}

}  // namespace

Status save_prompt_cache(const std::filesystem::path& file, const RadixCache& cache, const KvPool& pool,
                         std::string_view fingerprint) {
  MELETE_ASSIGN_OR_RETURN(FileWriter out, FileWriter::create(file));
  Writer writer(out);
  const KvLayout& layout = pool.layout();
  const std::string header = header_of(layout, fingerprint);
  writer.put({kMagic, 8});
  writer.put(bytes_of(kVersion));
  writer.put(bytes_of(uint64_t{header.size()}));
  writer.put(header);
  cache.for_each([&](const RadixCache::NodeView& node) {
    writer.put(bytes_of(node.parent));
    writer.put(bytes_of(uint64_t{node.keys.size()}));
    for (const PositionKey& key : node.keys) {
      writer.put(bytes_of(key.high));
      writer.put(bytes_of(key.low));
    }
    uint64_t mask = 0;
    for (size_t group = 0; group < node.pages.size(); ++group)
      mask |= uint64_t{node.pages[group] != nullptr} << group;
    writer.put(bytes_of(mask));
    for (size_t group = 0; group < node.pages.size(); ++group) {
      if (node.pages[group] == nullptr) continue;
      writer.put({reinterpret_cast<const char*>(node.pages[group]->bytes.get()),
                  static_cast<size_t>(layout.page_bytes(static_cast<int64_t>(group)))});
    }
  });
  writer.put(bytes_of(kEnd));
  return writer.finish();
}

Result<int64_t> load_prompt_cache(const std::filesystem::path& file, RadixCache& cache, KvPool& pool,
                                  std::string_view fingerprint) {
  cache.clear();
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored))
    return not_found("[", file.string(), "] must be a file, got none; save prompts first");
  const std::string header = header_of(pool.layout(), fingerprint);
  // Twice: nothing is taken over before the whole file is known to be sound.
  for (const bool restoring : {false, true}) {
    Reader reader(file);
    MELETE_RETURN_IF_ERROR(read_header(reader, file, header));
    int64_t positions = 0;
    bool sound = true, has_room = true;
    while (sound) {
      Piece piece;
      sound = read_piece(reader, pool.layout(), piece);
      if (!sound || piece.parent == kEnd) break;
      if (!restoring || !has_room) continue;
      has_room = restore_piece(piece, cache, pool);
      if (has_room) positions += std::ssize(piece.keys);
    }
    if (!sound || !reader.ends_here()) {
      cache.clear();
      return corrupt("[", file.string(), "] must be whole, got a cut or changed file; remove it");
    }
    if (restoring) return positions;
  }
  return 0;
}

std::string files_identity(const std::filesystem::path& model) {
  namespace fs = std::filesystem;
  std::error_code error;
  std::vector<std::string> lines;
  const auto add = [&](const fs::path& file) {
    const auto size = fs::file_size(file, error);
    const auto time = fs::last_write_time(file, error).time_since_epoch().count();
    lines.push_back(cat(file.filename().string(), " ", size, " ", time, "\n"));
  };
  const bool is_folder = fs::is_directory(model, error);
  for (const auto& entry : fs::directory_iterator(is_folder ? model : model.parent_path(), error)) {
    const std::string name = entry.path().filename().string(), suffix = entry.path().extension().string();
    if (is_folder ? suffix == ".safetensors" || suffix == ".json" : name.find("mmproj") != std::string::npos)
      add(entry.path());
  }
  if (!is_folder) add(model);
  std::sort(lines.begin(), lines.end());
  std::string identity;
  for (const std::string& line : lines) identity += line;
  return identity;
}

}  // namespace melete
