// The parts of model/gguf_export.h: fields and tensors of the decoder, the tokenizer and the towers.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "model/checkpoint.h"
#include "model/gguf_writer.h"

namespace melete {

// Collects the tensors of one file. Their values are read from the checkpoint when they are written, which
// must live that long.
class GgufTensorList {
 public:
  using Edit = std::function<void(std::vector<float>&)>;

  // type: of matrices; rows that aren't a whole number of its blocks are stored as F32.
  GgufTensorList(const TensorFile& source, DataType type) : source_(source), type_(type) {}

  void matrix(std::string name, const std::string& from, Edit edit = {});
  void fine_matrix(std::string name, const std::string& from, Edit edit = {});  // q8_0 instead of q4_0
  void plain(std::string name, const std::string& from, Edit edit = {});        // F32 whatever the type

  // The same where the edit's result has another shape.
  void matrix_as(std::string name, TensorShape shape, const std::string& from, Edit edit);
  void plain_as(std::string name, TensorShape shape, const std::string& from, Edit edit);

  void values(std::string name, TensorShape shape, std::vector<float> values);  // F32

  const std::vector<GgufTensor>& tensors() const { return tensors_; }

 private:
  void add(std::string name, DataType type, TensorShape shape, const std::string& from, Edit edit);
  DataType type_for(DataType wanted, const TensorShape& shape) const;
  const TensorShape& shape_of(const std::string& from) const;

  const TensorFile& source_;
  DataType type_;
  std::vector<GgufTensor> tensors_;
};

// Rows in halves [heads, 2, K/2] become pairs [heads, K/2, 2]; a row has `width` values (1 for a bias).
GgufTensorList::Edit pairs_from_halves(int64_t heads, int64_t width);

// Fields and tensors of the decoder. Errors: invalid_argument, naming `where` and what the architecture
// lacks.
Status add_decoder(const Checkpoint& model, std::string_view where, std::vector<GgufField>& fields,
                   GgufTensorList& tensors);

// Fields of the tokenizer and the chat template of a model's folder. Errors: not_found, corrupt,
// invalid_argument.
Status add_tokenizer(const std::filesystem::path& folder, int64_t vocab_size, std::vector<GgufField>& fields);

// Fields and tensors of the towers that the model has.
Status add_towers(const Checkpoint& model, std::string_view where, std::vector<GgufField>& fields,
                  GgufTensorList& tensors);

}  // namespace melete
