// From the tensors of an open model file to the engine's forms: matrices packed, tables left in the file.
//
// A model's list of weights is walked twice. The first walk (LoadStep::check) compares names, shapes, types
// and the memory that is free, before anything is allocated; the second (LoadStep::load) packs. Once packed,
// a tensor's pages of the file are given back, so a load takes the packed weights and one tensor more.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/thread_pool.h"
#include "engine/packed_weights.h"
#include "engine/span_ops.h"
#include "model/tensor_file.h"

namespace melete {

enum class LoadStep { check, load };

// The order in which a matrix takes the file's rows: row i is the file's row order[i]. Empty: as they lie.
using RowOrder = std::vector<int64_t>;

class StoredRows;

class WeightLoader {
 public:
  // `file` must come from a file that was opened, not from memory. kept: where packed weights are taken from
  // if they are there, and added to; may be null.
  WeightLoader(const TensorFile& file, ThreadPool& pool, WeightType type, LoadStep step,
               PackedWeights* kept = nullptr)
      : file_(file), pool_(pool), type_(type), step_(step), kept_(kept) {}

  // How a matrix is kept: as was asked for, though in 8 bits where 4 were asked for, the file has more and
  // its errors show most (values, and what is added to the residual stream); always in 8 bits where 4 were
  // asked for (a head, whose errors go straight into the logits); or as f32.
  enum class Precision { wanted, head, exact };

  // W [out, in].
  void matrix(const std::string& name, int64_t out, int64_t in, WeightMatrix& to,
              Precision precision = Precision::wanted, const RowOrder& order = {});

  // A stack [count, out, in] as `count` matrices.
  void stack(const std::string& name, int64_t count, int64_t out, int64_t in, std::vector<WeightMatrix>& to);

  // Two stacks [count, out, in] of one type as `count` matrices [2 out, in], the first's rows before the
  // second's.
  void joined_stack(const std::string& first, const std::string& second, int64_t count, int64_t out,
                    int64_t in, std::vector<WeightMatrix>& to);

  // W [out, in], kept as f32, that `combine` makes of other tensors' floats.
  struct Part {
    std::string name;
    TensorShape shape;
  };
  using Combine = std::function<std::vector<float>(std::vector<std::vector<float>> parts)>;
  void computed(std::span<const Part> parts, int64_t out, int64_t in, WeightMatrix& to,
                const Combine& combine);

  // Adds `offset` to each value.
  void vector(const std::string& name, int64_t size, std::vector<float>& to, float offset = 0,
              const RowOrder& order = {});

  // Floats [rows, width] for weighted_rows(); in place where they lie as aligned float32.
  void table(const std::string& name, int64_t rows, int64_t width, RowTable& to);

  // A table whose rows are only looked up: they stay in the file. is_checked: they are known to be finite, as
  // those of a head that is the same tensor are.
  void stored_rows(const std::string& name, int64_t rows, int64_t width, RowTable& to,
                   bool is_checked = false);

  // The table of a head that is the same tensor and has been loaded: its rows are looked up in the head where
  // that holds the file's very numbers, so that they take memory once.
  void tie(const WeightMatrix& head, RowTable& to) const;

  // A depthwise convolution's weight [channels, 1, taps].
  void kernel(const std::string& name, int64_t channels, int64_t taps, ConvKernel& to);

  bool has(const std::string& name) const { return file_.find(name) != nullptr; }

  // Counts a tensor that isn't used as known, for unknown_tensors().
  void skip(const std::string& name) { used_.insert(name); }

  int64_t bytes() const { return bytes_; }                  // of all weights so far, in their forms
  int64_t scratch_bytes() const { return scratch_bytes_; }  // most that packing one of them takes beside

  // Tensors of the file that nothing asked for.
  std::vector<std::string> unknown_tensors() const;

  // The first five problems so far. Errors: invalid_argument (missing, misshapen, of no float type), corrupt
  // (not finite).
  Status status() const;

 private:
  // Null if there is a problem, or if this is the checking walk.
  const TensorView* use(const std::string& name, const TensorShape& shape, int64_t bytes);
  // `part`: which of the matrices made from the tensor of that name.
  void pack(const std::string& name, int64_t part, const StoredRows& rows, int64_t out, int64_t in,
            WeightType type, WeightMatrix& to);
  WeightMatrix packed(const std::string& name, const StoredRows& rows, int64_t out, int64_t in,
                      WeightType type);
  ActivationType activations() const {
    return type_ == WeightType::w8 ? ActivationType::int16 : ActivationType::int8;
  }
  void check_finite(const std::string& name, std::span<const float> values);
  void note_corrupt(const std::string& name);

  const TensorFile& file_;
  ThreadPool& pool_;
  WeightType type_;
  LoadStep step_;
  PackedWeights* kept_;
  int64_t bytes_ = 0, scratch_bytes_ = 0;
  std::set<std::string, std::less<>> used_;
  std::vector<std::string> problems_;
  Status corrupt_ = ok_status();
};

}  // namespace melete
