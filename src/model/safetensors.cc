#include "model/safetensors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.h"
#include "model/float_formats.h"
#include "model/safetensors_header.h"

namespace melete {

static_assert(std::endian::native == std::endian::little,
              "safetensors data is little-endian and read as it lies");

// A read-only map of a whole file.
class MappedFile {
 public:
  static Result<std::shared_ptr<const MappedFile>> open(const std::filesystem::path& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return system_error(path);
    struct stat info {};
    void* data = MAP_FAILED;
    const bool known = ::fstat(fd, &info) == 0, regular = known && S_ISREG(info.st_mode);
    if (regular && info.st_size > 0)
      data = ::mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
    const Error error = system_error(path);
    ::close(fd);
    if (known && !regular)
      return corrupt("[", path.string(), "] must be a regular file, got another kind; check the path");
    if (regular && info.st_size == 0)
      return corrupt("[", path.string(), "] must hold a header, got an empty file; get it again");
    if (data == MAP_FAILED) return error;
    return std::shared_ptr<const MappedFile>(new MappedFile(data, static_cast<size_t>(info.st_size)));
  }
  ~MappedFile() { ::munmap(data_, size_); }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const { return {static_cast<const char*>(data_), size_}; }

 private:
  MappedFile(void* data, size_t size) : data_(data), size_(size) {}

  static Error system_error(const std::filesystem::path& path) {
    const ErrorKind kind = errno == ENOENT ? ErrorKind::not_found : ErrorKind::unavailable;
    return {kind, cat("[", path.string(), "] the file must be possible to open, got: ", std::strerror(errno),
                      "; check the path and its permissions")};
  }

  void* data_;
  size_t size_;
};

namespace {

constexpr uint64_t kMaxHeaderBytes = 100'000'000;
constexpr uint64_t kMaxIndexBytes = 100'000'000;
constexpr std::string_view kSingleFile = "model.safetensors";
constexpr std::string_view kIndexFile = "model.safetensors.index.json";

struct ParsedFile {
  SafetensorsHeader header;
  std::span<const std::byte> data;
};

Result<ParsedFile> parse_file(std::string_view bytes, std::string_view where) {
  if (bytes.size() < 8)
    return corrupt("[", where, "] must begin with 8 bytes of header length, got ", bytes.size(),
                   " bytes; get the file again");
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), 8);
  if (header_bytes > kMaxHeaderBytes || header_bytes > bytes.size() - 8)
    return corrupt("[", where, "] the header must be at most ",
                   std::min<uint64_t>(kMaxHeaderBytes, bytes.size() - 8), " bytes, got ", header_bytes,
                   "; the file is truncated or no safetensors file");
  const std::string_view json = bytes.substr(8, header_bytes), data = bytes.substr(8 + header_bytes);
  ParsedFile file;
  MELETE_ASSIGN_OR_RETURN(file.header, parse_safetensors_header(json, data.size(), where));
  file.data = std::as_bytes(std::span(data.data(), data.size()));
  return file;
}

// The weight_map of an index, as shard name -> tensor names. Read into a sorted tree, since the ordered one
// takes quadratic time in the number of keys.
using ShardMap = std::map<std::string, std::set<std::string, std::less<>>>;

Result<ShardMap> read_index(const std::filesystem::path& path) {
  MELETE_ASSIGN_OR_RETURN(const std::string text, read_file(path, kMaxIndexBytes));
  const nlohmann::json index = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object())
    return corrupt("[", path.string(),
                   "] must be a JSON object with an object weight_map; get the file again");
  ShardMap shards;
  for (const auto& [tensor, shard] : index["weight_map"].items()) {
    const std::string file = shard.is_string() ? shard.get<std::string>() : std::string();
    const bool plain =
        file.find('/') == std::string::npos && file.find('\0') == std::string::npos && file[0] != '.';
    if (!file.ends_with(".safetensors") || !plain)
      return corrupt("[", path.string(), "] tensor ", quoted_name(tensor),
                     " must name a .safetensors file in the same folder, got ", quoted_name(file),
                     "; get the file again");
    shards[file].insert(tensor);
  }
  if (shards.empty())
    return corrupt("[", path.string(), "] weight_map must name a tensor, got none; get the file again");
  return shards;
}

template <class Stored, class Convert>
void convert_all(std::span<const std::byte> bytes, size_t count, Convert&& convert) {
  for (size_t i = 0; i < count; ++i) {
    Stored stored;
    std::memcpy(&stored, bytes.data() + i * sizeof stored, sizeof stored);
    convert(i, stored);
  }
}

bool copy_as_floats(const TensorView& view, std::span<float> out) {
  switch (view.type) {
    case DataType::f32:
      if (!out.empty()) std::memcpy(out.data(), view.bytes.data(), out.size_bytes());
      return true;
    case DataType::bf16:
      convert_all<uint16_t>(view.bytes, out.size(),
                            [&](size_t i, uint16_t bits) { out[i] = float_from_bf16(bits); });
      return true;
    case DataType::f16:
      convert_all<uint16_t>(view.bytes, out.size(),
                            [&](size_t i, uint16_t bits) { out[i] = float_from_f16(bits); });
      return true;
    case DataType::f64:
      convert_all<double>(view.bytes, out.size(),
                          [&](size_t i, double value) { out[i] = static_cast<float>(value); });
      return true;
    default: return false;
  }
}

template <class Stored>
std::vector<int64_t> copy_as_integers(const TensorView& view) {
  std::vector<int64_t> values(static_cast<size_t>(view.num_elements()));
  convert_all<Stored>(view.bytes, values.size(),
                      [&](size_t i, Stored value) { values[i] = static_cast<int64_t>(value); });
  return values;
}

Error type_error(const TensorView& view, std::string_view name, std::string_view wanted) {
  return invalid_argument("[", *view.file, "] tensor ", quoted_name(name), " must hold ", wanted, ", got ",
                          name_of(view.type), "; store it in one of these types");
}

}  // namespace

Status TensorFile::add_file(std::string_view bytes, const std::string& where) {
  MELETE_ASSIGN_OR_RETURN(ParsedFile file, parse_file(bytes, where));
  const auto path = std::make_shared<const std::string>(where);
  for (auto& [name, entry] : file.header.entries) {
    const auto [other, is_new] =
        tensors_.try_emplace(name, TensorView{entry.type, std::move(entry.shape),
                                              file.data.subspan(entry.begin, entry.end - entry.begin), path});
    if (!is_new)
      return corrupt("[", where, "] tensor ", quoted_name(name), " must be in one shard, got it in ",
                     *other->second.file, " too; get the files again");
  }
  metadata_.merge(file.header.metadata);
  return ok_status();
}

Result<TensorFile> TensorFile::parse(std::string_view bytes, std::string_view where) {
  TensorFile result;
  result.name_ = std::string(where);
  MELETE_RETURN_IF_ERROR(result.add_file(bytes, result.name_));
  return result;
}

Result<TensorFile> TensorFile::open(const std::filesystem::path& path) {
  TensorFile result;
  result.name_ = path.string();
  const auto add = [&](const std::filesystem::path& file) -> Status {
    MELETE_ASSIGN_OR_RETURN(auto mapped, MappedFile::open(file));
    MELETE_RETURN_IF_ERROR(result.add_file(mapped->bytes(), file.string()));
    result.files_.push_back(std::move(mapped));
    return ok_status();
  };
  std::error_code ignored;
  const bool is_folder = std::filesystem::is_directory(path, ignored);
  const bool is_single = !is_folder || std::filesystem::exists(path / kSingleFile, ignored) ||
                         !std::filesystem::exists(path / kIndexFile, ignored);
  if (is_single) {
    MELETE_RETURN_IF_ERROR(add(is_folder ? path / kSingleFile : path));
    return result;
  }
  MELETE_ASSIGN_OR_RETURN(const ShardMap shards, read_index(path / kIndexFile));
  size_t num_listed = 0;
  for (const auto& [shard, names] : shards) {
    MELETE_RETURN_IF_ERROR(add(path / shard));
    num_listed += names.size();
    for (const std::string& name : names)
      if (const TensorView* view = result.find(name);
          view == nullptr || *view->file != (path / shard).string())
        return corrupt("[", (path / kIndexFile).string(), "] tensor ", quoted_name(name), " must be in ",
                       quoted_name(shard),
                       ", where the index says it is, got no such tensor there; get the files again");
    if (result.tensors_.size() != num_listed)
      return corrupt("[", (path / shard).string(), "] must hold the ", names.size(), " tensors that ",
                     kIndexFile, " lists for it, got others too; get the files again");
  }
  return result;
}

const TensorView* TensorFile::find(std::string_view name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

Result<const TensorView*> TensorFile::require(std::string_view name) const {
  if (const TensorView* view = find(name)) return view;
  return not_found("[", name_, "] must hold tensor ", quoted_name(name), ", got ", tensors_.size(),
                   " tensors without it; give a complete file");
}

Status TensorFile::copy_floats(std::string_view name, std::span<float> out) const {
  MELETE_ASSIGN_OR_RETURN(const TensorView* view, require(name));
  if (view->num_elements() != static_cast<int64_t>(out.size()))
    return invalid_argument("[", *view->file, "] tensor ", quoted_name(name), " must have ", out.size(),
                            " elements, got shape ", to_string(view->shape),
                            "; check that config and weights belong together");
  if (!copy_as_floats(*view, out)) return type_error(*view, name, "F32, BF16, F16 or F64");
  return ok_status();
}

Result<std::vector<float>> TensorFile::floats(std::string_view name) const {
  MELETE_ASSIGN_OR_RETURN(const TensorView* view, require(name));
  std::vector<float> values(static_cast<size_t>(view->num_elements()));
  MELETE_RETURN_IF_ERROR(copy_floats(name, values));
  return values;
}

Result<std::vector<int64_t>> TensorFile::integers(std::string_view name) const {
  MELETE_ASSIGN_OR_RETURN(const TensorView* view, require(name));
  switch (view->type) {
    case DataType::i64: return copy_as_integers<int64_t>(*view);
    case DataType::i32: return copy_as_integers<int32_t>(*view);
    case DataType::u32: return copy_as_integers<uint32_t>(*view);
    case DataType::i16: return copy_as_integers<int16_t>(*view);
    case DataType::u16: return copy_as_integers<uint16_t>(*view);
    case DataType::i8: return copy_as_integers<int8_t>(*view);
    case DataType::u8:
    case DataType::boolean: return copy_as_integers<uint8_t>(*view);
    default: return type_error(*view, name, "integers");
  }
}

}  // namespace melete
