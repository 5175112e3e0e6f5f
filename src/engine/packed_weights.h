// A model's packed weights in a file, so that later starts map it instead of packing again.
//
// Layout, integers little-endian as the machine's: PackedHeader, the key, zeros up to a multiple of 64, a
// PackedEntry for each weight, zeros up to a multiple of kPackedAlignment, then the weights' bytes, each at a
// multiple of 64. The header's checksum is over itself (with zeros in its place), the key and the entries;
// all that they say is compared with the file's size and with the forms that there are before it is used. The
// bytes themselves aren't summed: whatever they are, products with them stay within the matrix.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernels/packed_form.h"
#include "model/mapped_file.h"

namespace melete {

inline constexpr uint64_t kPackedAlignment = 4096;

struct PackedHeader {
  std::array<char, 8> magic{};
  uint32_t version = 0;  // of this layout and of the forms
  uint32_t key_bytes = 0;
  uint64_t num_entries = 0, file_bytes = 0;
  std::array<uint8_t, 16> checksum{};
};

struct PackedEntry {
  std::array<uint8_t, 16> label{};  // hash_bytes of the weight's label
  uint32_t kind = 0, reserved = 0;
  int64_t out = 0, in = 0;
  uint64_t offset = 0, bytes = 0;
};

// The weights of one model and weight type, found in a file or added by a loader.
class PackedWeights {
 public:
  // `key`: all that the weights depend on beside their labels. Nothing is found.
  explicit PackedWeights(std::string key) : key_(std::move(key)) {}

  // Errors: not_found, unavailable, corrupt (anything about it is off), invalid_argument (another key or
  // version; one that others can write).
  static Result<PackedWeights> open(const std::filesystem::path& file, std::string key);

  // The key of a file that open() would take for its own.
  static Result<std::string> key_of(const std::filesystem::path& file);

  // Null if there is none of that label.
  const PackedForm* find(std::string_view label);
  void add(std::string_view label, PackedForm form);

  // Facts without bytes, such as that a table's values are finite.
  bool has_mark(std::string_view label) const;
  void add_mark(std::string_view label);

  bool has_new() const { return has_new_; }
  int64_t num_found() const { return num_found_; }  // times that find() had something
  int64_t file_bytes() const;
  const std::string& key() const { return key_; }

  // As a file that open() reads. `goes_on(bytes left)` is asked before each piece. Errors: unavailable,
  // cancelled (it said no); nothing is left behind then.
  Status write(const std::filesystem::path& file, const std::function<bool(int64_t)>& goes_on) const;

 private:
  using Label = std::array<uint8_t, 16>;
  struct Weight {
    Label label;
    PackedForm form;  // of a mark: without bytes
  };

  void put(const Label& label, PackedForm form);
  static Result<std::string> read(const MappedFile& file, std::vector<PackedEntry>& entries);
  uint64_t data_begin() const;
  std::string head(std::vector<const PackedForm*>& order) const;

  std::string key_;
  std::vector<Weight> weights_;  // in the order in which they are asked for
  std::map<Label, size_t> index_;
  bool has_new_ = false;
  int64_t num_found_ = 0;
};

}  // namespace melete
