#include "model/safetensors_header.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

namespace melete {
namespace {

constexpr size_t kMaxRank = 16;

constexpr DataType kStoredTypes[] = {DataType::f64,     DataType::f32,     DataType::f16,    DataType::bf16,
                                     DataType::i64,     DataType::u64,     DataType::i32,    DataType::u32,
                                     DataType::i16,     DataType::u16,     DataType::i8,     DataType::u8,
                                     DataType::boolean, DataType::f8_e4m3, DataType::f8_e5m2};

// Reads the header as events, without a tree: it stops at the first thing that has no place in the format, so
// its work and memory stay proportional to what was accepted.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  HeaderReader(std::string_view where, SafetensorsHeader& header) : where_(where), header_(header) {}

  const std::string& problem() const { return problem_; }

  bool null() override { return fail("must hold no null"); }
  bool boolean(bool) override { return fail("must hold no boolean"); }
  bool number_integer(number_integer_t) override { return fail("must hold no negative number"); }
  bool number_float(number_float_t, const string_t&) override { return fail("must hold whole numbers"); }
  bool binary(binary_t&) override { return fail("must hold no binary value"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (level_ != Level::shape && level_ != Level::offsets)
      return fail("must hold numbers only in shape and data_offsets");
    if (value > static_cast<uint64_t>(INT64_MAX)) return fail("must hold numbers below 2^63");
    if (level_ == Level::offsets) {
      if (offsets_.size() == 2) return fail("must have two data_offsets");
      offsets_.push_back(value);
    } else {
      if (entry_.shape.size() == kMaxRank) return fail("must have at most 16 dimensions");
      entry_.shape.push_back(static_cast<int64_t>(value));
    }
    return true;
  }

  bool string(string_t& value) override {
    if (level_ == Level::metadata)
      return header_.metadata.emplace(key_, value).second || fail("must have unique metadata");
    if (level_ != Level::tensor || key_ != "dtype")
      return fail("must hold strings only in dtype and __metadata__");
    for (const DataType type : kStoredTypes)
      if (value == name_of(type)) entry_.type = type, has_type_ = true;
    return has_type_ || fail(cat("must have a known dtype, got ", quoted_name(value)));
  }

  bool key(string_t& value) override {
    key_ = value;
    if (level_ == Level::top) {
      tensor_ = value;
      if (header_.entries.contains(value) || (value == "__metadata__" && has_metadata_))
        return fail("must appear once");
    } else if (level_ == Level::tensor) {
      const int field = value == "dtype" ? 1 : value == "shape" ? 2 : value == "data_offsets" ? 4 : 0;
      if (field == 0)
        return fail(cat("must have only dtype, shape and data_offsets, got ", quoted_name(value)));
      if ((seen_ & field) != 0) return fail(cat("must have one ", value));
      seen_ |= field;
    }
    return true;
  }

  bool start_object(size_t) override {
    if (level_ == Level::none && !done_) {
      level_ = Level::top;
    } else if (level_ == Level::top && key_ == "__metadata__") {
      level_ = Level::metadata;
      has_metadata_ = true;
    } else if (level_ == Level::top) {
      level_ = Level::tensor;
      entry_ = {};
      offsets_.clear();
      seen_ = 0;
      has_type_ = false;
    } else {
      return fail("must not nest further objects");
    }
    return true;
  }

  bool end_object() override {
    if (level_ == Level::top) {
      level_ = Level::none;
      done_ = true;
      return true;
    }
    if (level_ == Level::tensor) {
      if (seen_ != 7 || offsets_.size() != 2) return fail("must have dtype, shape and two data_offsets");
      entry_.begin = offsets_[0];
      entry_.end = offsets_[1];
      header_.entries.emplace(tensor_, entry_);
    }
    level_ = Level::top;
    return true;
  }

  bool start_array(size_t) override {
    if (level_ != Level::tensor || key_ == "dtype")
      return fail("must hold arrays only as shape and data_offsets");
    level_ = key_ == "shape" ? Level::shape : Level::offsets;
    return true;
  }

  bool end_array() override {
    level_ = Level::tensor;
    return true;
  }

  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& e) override {
    problem_ = cat("[", where_, "] the header must be valid JSON in UTF-8, got an error at byte ", position,
                   ": ", e.what(), "; the file is damaged, get it again");
    return false;
  }

 private:
  enum class Level { none, top, metadata, tensor, shape, offsets };

  bool fail(std::string_view what) {
    if (problem_.empty())
      problem_ =
          cat("[", where_, "] ",
              level_ == Level::none ? std::string("the header") : "header entry " + quoted_name(tensor_), " ",
              what, "; the file is damaged or no safetensors file");
    return false;
  }

  std::string_view where_;
  SafetensorsHeader& header_;
  std::string problem_;
  Level level_ = Level::none;
  bool done_ = false, has_metadata_ = false, has_type_ = false;
  int seen_ = 0;  // 1 dtype, 2 shape, 4 data_offsets
  std::string key_, tensor_;
  TensorEntry entry_;
  std::vector<uint64_t> offsets_;
};

// The bytes that type and shape need, or nothing on overflow.
std::optional<uint64_t> needed_bytes(const TensorEntry& entry) {
  uint64_t bytes = static_cast<uint64_t>(block_bytes(entry.type));
  for (const int64_t side : entry.shape)
    if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(side), &bytes)) return std::nullopt;
  return bytes;
}

Status check_entry(const std::string& name, const TensorEntry& entry, uint64_t data_bytes,
                   std::string_view where) {
  if (entry.begin > entry.end || entry.end > data_bytes)
    return corrupt("[", where, "] tensor ", quoted_name(name), " must lie within the ", data_bytes,
                   " bytes of data, got data_offsets [", entry.begin, ", ", entry.end,
                   "]; the file is truncated or damaged, get it again");
  const std::optional<uint64_t> needed = needed_bytes(entry);
  if (!needed || *needed != entry.end - entry.begin)
    return corrupt("[", where, "] tensor ", quoted_name(name), " must have the bytes that ",
                   name_of(entry.type), " ", to_string(entry.shape), " needs, ",
                   needed ? cat(*needed) : std::string("more than 2^64"), ", got ", entry.end - entry.begin,
                   "; the file is damaged, get it again");
  return ok_status();
}

Status check_coverage(const SafetensorsHeader& header, uint64_t data_bytes, std::string_view where) {
  std::vector<const std::pair<const std::string, TensorEntry>*> by_offset;
  by_offset.reserve(header.entries.size());
  for (const auto& named : header.entries) by_offset.push_back(&named);
  std::sort(by_offset.begin(), by_offset.end(), [](const auto* a, const auto* b) {
    return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
  });
  uint64_t covered = 0;
  for (const auto* named : by_offset) {
    if (named->second.begin != covered)
      return corrupt("[", where, "] tensor ", quoted_name(named->first), " must begin at byte ", covered,
                     " of the data, where the one before it ends, got ", named->second.begin,
                     named->second.begin < covered ? " (overlap)" : " (gap)",
                     "; the file is damaged, get it again");
    covered = named->second.end;
  }
  if (covered != data_bytes)
    return corrupt("[", where, "] the tensors must cover the file's ", data_bytes, " bytes of data, got ",
                   covered, "; the file is damaged, get it again");
  return ok_status();
}

}  // namespace

Result<SafetensorsHeader> parse_safetensors_header(std::string_view json, uint64_t data_bytes,
                                                   std::string_view where) {
  SafetensorsHeader header;
  HeaderReader reader(where, header);
  if (!nlohmann::json::sax_parse(json.begin(), json.end(), &reader)) return corrupt(reader.problem());
  for (const auto& [name, entry] : header.entries)
    MELETE_RETURN_IF_ERROR(check_entry(name, entry, data_bytes, where));
  MELETE_RETURN_IF_ERROR(check_coverage(header, data_bytes, where));
  return header;
}

}  // namespace melete
