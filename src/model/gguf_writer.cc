#include "model/gguf_writer.h"

#include <set>

#include "base/file_writer.h"
#include "model/block_formats.h"
#include "model/gguf_types.h"

namespace melete {
namespace {

constexpr int64_t kAlignment = 32;

int64_t aligned(int64_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void put(std::string& out, const std::string& text) {
  put(out, static_cast<uint64_t>(text.size()));
  out += text;
}

template <class T>
constexpr uint32_t kValueType = 0;
template <>
constexpr uint32_t kValueType<uint32_t> = 4;
template <>
constexpr uint32_t kValueType<int32_t> = 5;
template <>
constexpr uint32_t kValueType<float> = 6;
template <>
constexpr uint32_t kValueType<bool> = 7;
template <>
constexpr uint32_t kValueType<std::string> = 8;
template <>
constexpr uint32_t kValueType<uint64_t> = 10;
constexpr uint32_t kArrayType = 9;

struct ValueWriter {
  std::string& out;

  template <class T>
  void operator()(const T& value) const {
    put(out, kValueType<T>);
    item(value);
  }
  template <class T>
  void operator()(const std::vector<T>& list) const {
    put(out, kArrayType);
    put(out, kValueType<T>);
    put(out, static_cast<uint64_t>(list.size()));
    for (const auto& value : list) item(static_cast<T>(value));
  }

  template <class T>
  void item(const T& value) const {
    put(out, value);
  }
  void item(bool value) const { put(out, static_cast<uint8_t>(value)); }
};

// The bytes of the tensor's data.
Result<int64_t> stored_bytes(const GgufTensor& tensor, std::string_view where) {
  const auto number = gguf_type_number(tensor.type);
  bool fits = number && is_quantiser_type(tensor.type) && !tensor.name.empty() && !tensor.shape.empty() &&
              tensor.shape.size() <= 4;
  int64_t bytes = block_bytes(tensor.type);
  for (size_t i = 0; fits && i < tensor.shape.size(); ++i) {
    const int64_t block = i + 1 == tensor.shape.size() ? block_elements(tensor.type) : 1;
    fits = tensor.shape[i] > 0 && tensor.shape[i] % block == 0 &&
           !__builtin_mul_overflow(bytes, tensor.shape[i] / block, &bytes);
  }
  if (fits) return bytes;
  return invalid_argument("[", where, "] tensor ", quoted_name(tensor.name),
                          " must have 1 to 4 sides of whole blocks of a type that can be written, got ",
                          name_of(tensor.type), " ", to_string(tensor.shape), "; store it as F32");
}

Status write_tensor(FileWriter& file, const GgufTensor& tensor, int64_t size, std::string_view where) {
  MELETE_ASSIGN_OR_RETURN(const std::vector<float> values, tensor.values());
  const int64_t elements = size / block_bytes(tensor.type) * block_elements(tensor.type);
  if (static_cast<int64_t>(values.size()) != elements)
    return invalid_argument("[", where, "] tensor ", quoted_name(tensor.name), " must have ", elements,
                            " values, got ", values.size(), "; give all of ", to_string(tensor.shape));
  std::vector<std::byte> bytes(static_cast<size_t>(aligned(size)));
  from_floats(tensor.type, values, std::span(bytes).first(static_cast<size_t>(size)));
  return file.write(bytes);
}

}  // namespace

Result<std::string> gguf_header(std::span<const GgufField> fields, std::span<const GgufTensor> tensors,
                                std::string_view where) {
  std::set<std::string_view> keys, names;
  std::string out = "GGUF";
  put(out, uint32_t{3});
  put(out, static_cast<uint64_t>(tensors.size()));
  put(out, static_cast<uint64_t>(fields.size()));
  for (const GgufField& field : fields) {
    if (!keys.insert(field.key).second)
      return invalid_argument("[", where, "] metadata key ", quoted_name(field.key), " must be given once");
    put(out, field.key);
    std::visit(ValueWriter{out}, field.value);
  }
  int64_t offset = 0;
  for (const GgufTensor& tensor : tensors) {
    if (!names.insert(tensor.name).second)
      return invalid_argument("[", where, "] tensor ", quoted_name(tensor.name), " must be given once");
    MELETE_ASSIGN_OR_RETURN(const int64_t size, stored_bytes(tensor, where));
    put(out, tensor.name);
    put(out, static_cast<uint32_t>(tensor.shape.size()));
    for (size_t i = tensor.shape.size(); i-- > 0;) put(out, static_cast<uint64_t>(tensor.shape[i]));
    put(out, *gguf_type_number(tensor.type));
    put(out, static_cast<uint64_t>(offset));
    offset += aligned(size);
  }
  out.resize(static_cast<size_t>(aligned(static_cast<int64_t>(out.size()))));
  return out;
}

Status write_gguf(const std::filesystem::path& path, std::span<const GgufField> fields,
                  std::span<const GgufTensor> tensors, const WriteProgress& progress) {
  const std::string where = path.string();
  MELETE_ASSIGN_OR_RETURN(const std::string header, gguf_header(fields, tensors, where));
  std::vector<int64_t> sizes;
  int64_t total = 0, done = 0;
  for (const GgufTensor& tensor : tensors) {
    MELETE_ASSIGN_OR_RETURN(const int64_t size, stored_bytes(tensor, where));
    sizes.push_back(size);
    total += size;
  }
  MELETE_ASSIGN_OR_RETURN(FileWriter file, FileWriter::create(path));
  MELETE_RETURN_IF_ERROR(file.write(header));
  for (size_t i = 0; i < tensors.size(); ++i) {
    MELETE_RETURN_IF_ERROR(write_tensor(file, tensors[i], sizes[i], where));
    done += sizes[i];
    if (progress) MELETE_RETURN_IF_ERROR(progress(done, total));
  }
  return file.commit();
}

}  // namespace melete
