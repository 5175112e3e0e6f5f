#include "model/tensor_file.h"

#include <algorithm>
#include <cstring>

#include "model/block_formats.h"
#include "model/gguf.h"
#include "model/safetensors.h"

namespace melete {
namespace {

template <class Stored, class Convert>
void convert_all(std::span<const std::byte> bytes, size_t count, Convert&& convert) {
  for (size_t i = 0; i < count; ++i) {
    Stored stored;
    std::memcpy(&stored, bytes.data() + i * sizeof stored, sizeof stored);
    convert(i, stored);
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

Result<TensorFile> TensorFile::open(const std::filesystem::path& path) {
  if (path.extension() != ".gguf") return read_safetensors(path);
  MELETE_ASSIGN_OR_RETURN(const GgufFile file, GgufFile::open(path));
  return file.tensors();
}

Result<TensorFile> TensorFile::parse(std::string_view bytes, std::string_view where) {
  TensorFile result{std::string(where)};
  MELETE_RETURN_IF_ERROR(add_safetensors(result, bytes, result.name_));
  return result;
}

bool TensorFile::add(std::string name, TensorView view) {
  return tensors_.try_emplace(std::move(name), std::move(view)).second;
}

const TensorView* TensorFile::find(std::string_view name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

std::string TensorFile::identity() const {
  const auto lies_in_files = [&](const TensorView& view) {
    return std::any_of(files_.begin(), files_.end(), [&](const auto& file) {
      const auto* begin = reinterpret_cast<const std::byte*>(file->bytes().data());
      return view.bytes.data() >= begin &&
             view.bytes.data() + view.bytes.size() <= begin + file->bytes().size();
    });
  };
  for (const auto& [name, view] : tensors_)
    if (!lies_in_files(view)) return "";
  std::string lines;
  for (const auto& file : files_) {
    const FileStamp& s = file->stamp();
    std::error_code ignored;  // a path that leads nowhere by now is no name
    const std::filesystem::path path = std::filesystem::canonical(file->path(), ignored);
    lines += cat(s.size, " ", s.written_ns, " ", s.changed_ns, " ", s.device, " ", s.inode, " ",
                 (path.parent_path().filename() / path.filename()).string(), "\n");
  }
  return lines;
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
  if (!is_float_type(view->type)) return type_error(*view, name, "floats");
  to_floats(view->type, view->bytes, out);
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
