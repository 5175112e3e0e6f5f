#include "model/gguf_export.h"

#include "model/block_formats.h"
#include "model/gguf_export_parts.h"

namespace melete {
namespace {

// The format's numbers of file types, for general.file_type.
uint32_t file_type(DataType type) {
  switch (type) {
    case DataType::q4_0: return 2;
    case DataType::q8_0: return 7;
    case DataType::bf16: return 32;
    default: return 0;
  }
}

std::vector<GgufField> general_fields(const std::filesystem::path& folder, std::string architecture,
                                      std::string type, DataType stored) {
  std::error_code ignored;
  const auto whole = std::filesystem::weakly_canonical(folder, ignored);
  const std::string name = (whole.has_filename() ? whole : whole.parent_path()).filename().string();
  return {{"general.architecture", std::move(architecture)},
          {"general.type", std::move(type)},
          {"general.name", name},
          {"general.file_type", file_type(stored)},
          {"general.quantization_version", uint32_t{2}}};
}

}  // namespace

void GgufTensorList::matrix(std::string name, const std::string& from, Edit edit) {
  add(std::move(name), type_, shape_of(from), from, std::move(edit));
}

void GgufTensorList::fine_matrix(std::string name, const std::string& from, Edit edit) {
  add(std::move(name), type_ == DataType::q4_0 ? DataType::q8_0 : type_, shape_of(from), from,
      std::move(edit));
}

void GgufTensorList::plain(std::string name, const std::string& from, Edit edit) {
  add(std::move(name), DataType::f32, shape_of(from), from, std::move(edit));
}

void GgufTensorList::values(std::string name, TensorShape shape, std::vector<float> values) {
  tensors_.push_back({std::move(name), DataType::f32, std::move(shape),
                      [values = std::move(values)]() -> Result<std::vector<float>> { return values; }});
}

void GgufTensorList::matrix_as(std::string name, TensorShape shape, const std::string& from, Edit edit) {
  add(std::move(name), type_, std::move(shape), from, std::move(edit));
}

void GgufTensorList::plain_as(std::string name, TensorShape shape, const std::string& from, Edit edit) {
  add(std::move(name), DataType::f32, std::move(shape), from, std::move(edit));
}

void GgufTensorList::add(std::string name, DataType type, TensorShape shape, const std::string& from,
                         Edit edit) {
  const DataType stored = type_for(type, shape);
  tensors_.push_back({std::move(name), stored, std::move(shape),
                      [&source = source_, from, edit = std::move(edit)]() -> Result<std::vector<float>> {
                        MELETE_ASSIGN_OR_RETURN(std::vector<float> values, source.floats(from));
                        if (edit) edit(values);
                        return values;
                      }});
}

DataType GgufTensorList::type_for(DataType wanted, const TensorShape& shape) const {
  return shape.back() % block_elements(wanted) == 0 ? wanted : DataType::f32;
}

const TensorShape& GgufTensorList::shape_of(const std::string& from) const {
  const TensorView* view = source_.find(from);
  MELETE_CHECK(view != nullptr, from);
  return view->shape;
}

GgufTensorList::Edit pairs_from_halves(int64_t heads, int64_t width) {
  return [heads, width](std::vector<float>& values) {
    const auto row = static_cast<size_t>(width), head_rows = values.size() / row / static_cast<size_t>(heads);
    const size_t half = head_rows / 2;
    std::vector<float> pairs(values.size());
    for (size_t h = 0; h < static_cast<size_t>(heads); ++h)
      for (size_t i = 0; i < head_rows; ++i) {
        const size_t from = (h * head_rows + i) * row, to = (h * head_rows + i % half * 2 + i / half) * row;
        std::copy_n(values.begin() + static_cast<ptrdiff_t>(from), row,
                    pairs.begin() + static_cast<ptrdiff_t>(to));
      }
    values = std::move(pairs);
  };
}

Result<GgufExportFiles> export_gguf(const std::filesystem::path& folder, const std::filesystem::path& out,
                                    const GgufExport& options) {
  MELETE_CHECK(is_quantiser_type(options.type), name_of(options.type));
  MELETE_ASSIGN_OR_RETURN(const Checkpoint model, open_checkpoint(folder));
  const std::string where = folder.string();
  const std::string architecture = model.config.is_spark() ? "muse-spark" : "muse-glimmer";
  std::vector<GgufField> fields = general_fields(folder, architecture, "model", options.type);
  GgufTensorList tensors(model.tensors, options.type);
  MELETE_RETURN_IF_ERROR(add_decoder(model, where, fields, tensors));
  MELETE_RETURN_IF_ERROR(add_tokenizer(folder, model.config.text.vocab_size, fields));
  GgufExportFiles files{out, {}};
  if (model.config.has_vision || model.config.has_audio) {
    const DataType tower_type = options.type == DataType::q4_0 ? DataType::q8_0 : options.type;
    std::vector<GgufField> tower_fields = general_fields(folder, "clip", "mmproj", tower_type);
    GgufTensorList towers(model.tensors, tower_type);
    MELETE_RETURN_IF_ERROR(add_towers(model, where, tower_fields, towers));
    files.mmproj = out.parent_path() / ("mmproj-" + out.filename().string());
    MELETE_RETURN_IF_ERROR(write_gguf(files.mmproj, tower_fields, towers.tensors(), options.progress));
  }
  MELETE_RETURN_IF_ERROR(write_gguf(out, fields, tensors.tensors(), options.progress));
  return files;
}

}  // namespace melete
