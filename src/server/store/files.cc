#include "server/store/files.h"

#include <algorithm>
#include <system_error>

#include "base/file.h"
#include "media/sniff.h"
#include "server/store/rows.h"
#include "server/store/secret.h"
#include "text/utf8.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxFileNameBytes = 255;
constexpr size_t kMaxTypeBytes = 100;
constexpr const char* kFile =
    "SELECT id, name, type, bytes, created_ms, (SELECT count(*) FROM message_files m WHERE m.owner = f.owner "
    "AND "
    "m.file = f.id) + (SELECT count(*) FROM response_files r WHERE r.owner = f.owner AND r.file = f.id) FROM "
    "files f WHERE owner = ?1";

StoredFile file_of(const Statement& row) {
  return {row.text(0), row.text(1), row.text(2), row.integer(3), row.integer(4), row.integer(5)};
}

std::string clean_name(const std::string& given) {
  std::string name = valid_utf8(given);
  name.erase(std::remove_if(name.begin(), name.end(), [](unsigned char c) { return c < ' ' || c == 127; }),
             name.end());
  if (name.size() > kMaxFileNameBytes) name.resize(kMaxFileNameBytes);
  name.resize(name.size() - incomplete_utf8_tail(name));
  return name;
}

bool is_type(std::string_view type) {
  const auto is_token = [](std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
      return std::isalnum(c) != 0 ||
             std::string_view("!#$&^_.+-").find(static_cast<char>(c)) != std::string_view::npos;
    });
  };
  const size_t slash = type.find('/');
  return type.size() <= kMaxTypeBytes && slash != std::string_view::npos && is_token(type.substr(0, slash)) &&
         is_token(type.substr(slash + 1));
}

std::string sound_type(std::string_view bytes) {
  if (bytes.substr(0, 4) == "fLaC") return "audio/flac";
  if (bytes.substr(0, 4) == "OggS") return "audio/ogg";
  if (bytes.substr(0, 4) == "RIFF") return "audio/wav";
  return bytes.substr(0, 4) == "FORM" ? "audio/aiff" : "audio/mpeg";
}

// Bytes that tell their kind overrule what was declared, so that no page is ever taken for a picture.
std::string type_of(std::string_view bytes, const std::string& declared) {
  const Sniffed sniffed = sniff(bytes);
  const bool plays = declared.rfind("audio/", 0) == 0 || declared.rfind("video/", 0) == 0;
  switch (sniffed.type) {
    case FileType::png: return "image/png";
    case FileType::jpeg: return "image/jpeg";
    case FileType::webp: return "image/webp";
    case FileType::gif: return "image/gif";
    case FileType::heif: return "image/heif";
    case FileType::sound: return plays ? declared : sound_type(bytes);
    case FileType::video:
      if (plays) return declared;
      return std::string_view(sniffed.demuxer).find("matroska") != std::string_view::npos ? "video/webm"
                                                                                          : "video/mp4";
    case FileType::unknown: break;
  }
  if (!declared.empty() && !plays && declared.rfind("image/", 0) != 0) return declared;
  return is_plain_text(bytes) ? "text/plain" : "application/octet-stream";
}

Error no_file(const std::string& id) {
  return not_found("[files] the file must exist, got \"", valid_utf8(id.substr(0, 80)),
                   "\"; upload it first");
}

}  // namespace

fs::path file_path(const fs::path& owner_folder, const std::string& id) {
  MELETE_CHECK(id.size() > 7 && id.find_first_of("/.") == std::string::npos, id);
  return owner_folder / id.substr(5, 2) / id.substr(5);
}

Files::Files(Database& database, OwnerId owner, fs::path folder, Clock clock, FileLimits limits)
    : owned_(database, owner), folder_(std::move(folder)), clock_(std::move(clock)), limits_(limits) {}

Status Files::check_room(int64_t bytes) const {
  MELETE_ASSIGN_OR_RETURN(
      Statement sums, owned_.prepare("adding up files",
                                     "SELECT count(*), coalesce(sum(bytes), 0) FROM files WHERE owner = ?1"));
  MELETE_RETURN_IF_ERROR(sums.step());
  if (sums.integer(0) >= limits_.max_owner_files)
    return exhausted("[files] there must be at most ", limits_.max_owner_files,
                     " files, got one more; delete some");
  if (sums.integer(1) + bytes > limits_.max_owner_bytes)
    return exhausted("[files] all files must take at most ", limits_.max_owner_bytes, " bytes, got ",
                     sums.integer(1), " and ", bytes, " more; delete some");
  return ok_status();
}

Result<StoredFile> Files::put(std::string_view bytes, const std::string& name, const std::string& type) {
  const int64_t size = static_cast<int64_t>(bytes.size());
  const std::string declared = type.substr(0, type.find(';'));
  if (size > limits_.max_file_bytes)
    return exhausted("[files] a file must have at most ", limits_.max_file_bytes, " bytes, got ", size,
                     "; give a smaller one");
  if (!declared.empty() && !is_type(declared))
    return invalid_argument("[files] a type must be as image/png is, got \"",
                            valid_utf8(declared.substr(0, 80)), "\"; leave it out if unknown");
  const std::string id = "file_" + content_hash(bytes);
  const fs::path path = file_path(folder_, id);
  std::error_code error;
  const bool known = get(id).ok();
  if (!known) MELETE_RETURN_IF_ERROR(check_room(size));
  if (!fs::exists(path, error)) MELETE_RETURN_IF_ERROR(write_file(path, bytes));

  MELETE_ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(owned_.database(), "keeping a file"));
  MELETE_RETURN_IF_ERROR(owned_.run(
      "keeping a file",
      "INSERT INTO files(owner, id, name, type, bytes, created_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
      "ON CONFLICT DO UPDATE SET name = excluded.name, type = excluded.type",
      id, clean_name(name), type_of(bytes, declared), size, clock_()));
  // Bytes without a row are unlinked by whoever may write, which from here on is only us.
  if (!fs::exists(path, error)) MELETE_RETURN_IF_ERROR(write_file(path, bytes));
  MELETE_ASSIGN_OR_RETURN(StoredFile file, get(id));
  MELETE_RETURN_IF_ERROR(transaction.commit());
  return file;
}

Result<StoredFile> Files::get(const std::string& id) const {
  MELETE_ASSIGN_OR_RETURN(Statement find, owned_.prepare("reading a file", cat(kFile, " AND id = ?2"), id));
  MELETE_ASSIGN_OR_RETURN(const bool found, find.step());
  if (!found) return no_file(id);
  return file_of(find);
}

Result<std::string> Files::read(const std::string& id) const {
  MELETE_ASSIGN_OR_RETURN(const StoredFile file, get(id));
  MELETE_ASSIGN_OR_RETURN(std::string bytes, read_file(file_path(folder_, file.id)));
  if ("file_" + content_hash(bytes) != id)
    return corrupt("[files] the bytes of ", id, " must have this hash, got others; restore it from a backup");
  return bytes;
}

Result<std::vector<StoredFile>> Files::list() const {
  MELETE_ASSIGN_OR_RETURN(Statement rows,
                          owned_.prepare("listing files", cat(kFile, " ORDER BY created_ms, id")));
  return read_rows(rows, file_of);
}

Result<int64_t> Files::total_bytes() const {
  MELETE_ASSIGN_OR_RETURN(Statement sum,
                          owned_.prepare("adding up files", "SELECT sum(bytes) FROM files WHERE owner = ?1"));
  MELETE_RETURN_IF_ERROR(sum.step());
  return sum.integer(0);
}

Status Files::remove(const std::string& id) {
  MELETE_ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(owned_.database(), "deleting a file"));
  MELETE_ASSIGN_OR_RETURN(const StoredFile file, get(id));
  if (file.num_references > 0)
    return invalid_argument("[files] a file must not be in use to be deleted, got ", file.num_references,
                            " messages or responses that refer to it; delete those");
  MELETE_RETURN_IF_ERROR(owned_.run("deleting a file", "DELETE FROM files WHERE owner = ?1 AND id = ?2", id));
  return transaction.commit();
}

Result<int64_t> Files::remove_unused(int64_t age_ms) {
  return owned_.run(
      "deleting unused files",
      "DELETE FROM files WHERE owner = ?1 AND created_ms <= ?2 AND id NOT IN (SELECT file FROM "
      "message_files WHERE owner = ?1) AND id NOT IN (SELECT file FROM response_files WHERE owner "
      "= ?1)",
      clock_() - age_ms);
}

}  // namespace melete
