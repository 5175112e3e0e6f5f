#include "model/gguf_cursor.h"

namespace melete {
namespace {

// The format's numbers of value types.
enum ValueType : uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, string, array_of, u64, i64, f64 };

}  // namespace

Error GgufCursor::truncated(std::string_view what, uint64_t needed) const {
  return corrupt("[", where_, "] ", what, " must lie within the file's ", bytes_.size(), " bytes, got ",
                 needed, " bytes at ", position_, "; the file is truncated or damaged, get it again");
}

Result<std::string_view> GgufCursor::text(std::string_view what) {
  MELETE_ASSIGN_OR_RETURN(const uint64_t length, number<uint64_t>(what));
  if (length > remaining()) return truncated(what, length);
  const std::string_view text = bytes_.substr(position_, length);
  position_ += length;
  return text;
}

Result<GgufValue> GgufCursor::value(std::string_view what) {
  MELETE_ASSIGN_OR_RETURN(const uint32_t type, number<uint32_t>(what));
  return type == ValueType::array_of ? array(what) : scalar(type, what);
}

Result<GgufValue> GgufCursor::scalar(uint32_t type, std::string_view what) {
  const auto as = [&]<class Stored, class Kept>(Stored, Kept) -> Result<GgufValue> {
    MELETE_ASSIGN_OR_RETURN(const Stored value, number<Stored>(what));
    return GgufValue(static_cast<Kept>(value));
  };
  switch (type) {
    case ValueType::u8: return as(uint8_t{}, int64_t{});
    case ValueType::i8: return as(int8_t{}, int64_t{});
    case ValueType::u16: return as(uint16_t{}, int64_t{});
    case ValueType::i16: return as(int16_t{}, int64_t{});
    case ValueType::u32: return as(uint32_t{}, int64_t{});
    case ValueType::i32: return as(int32_t{}, int64_t{});
    case ValueType::i64: return as(int64_t{}, int64_t{});
    case ValueType::f32: return as(float{}, double{});
    case ValueType::f64: return as(double{}, double{});
    case ValueType::boolean: {
      MELETE_ASSIGN_OR_RETURN(const uint8_t value, number<uint8_t>(what));
      return GgufValue(value != 0);
    }
    case ValueType::u64: {
      MELETE_ASSIGN_OR_RETURN(const uint64_t value, number<uint64_t>(what));
      return value <= INT64_MAX ? GgufValue(static_cast<int64_t>(value)) : GgufValue(value);
    }
    case ValueType::string: {
      MELETE_ASSIGN_OR_RETURN(const std::string_view value, text(what));
      return GgufValue(value);
    }
    default:
      return corrupt("[", where_, "] ", what, " must have a value type from 0 to 12, got ", type,
                     "; the file is damaged or of a newer format");
  }
}

template <class Stored, class Kept>
Result<GgufValue> GgufCursor::numbers(uint64_t count, std::string_view what) {
  if (count > remaining() / sizeof(Stored)) return truncated(what, remaining() + 1);
  std::vector<Kept> values;
  values.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    Stored stored;
    std::memcpy(&stored, bytes_.data() + position_ + i * sizeof stored, sizeof stored);
    values.push_back(static_cast<Kept>(stored));
  }
  position_ += count * sizeof(Stored);
  return GgufValue(std::move(values));
}

Result<GgufValue> GgufCursor::array(std::string_view what) {
  MELETE_ASSIGN_OR_RETURN(const uint32_t type, number<uint32_t>(what));
  MELETE_ASSIGN_OR_RETURN(const uint64_t count, number<uint64_t>(what));
  switch (type) {
    case ValueType::u8: return numbers<uint8_t, int64_t>(count, what);
    case ValueType::i8: return numbers<int8_t, int64_t>(count, what);
    case ValueType::u16: return numbers<uint16_t, int64_t>(count, what);
    case ValueType::i16: return numbers<int16_t, int64_t>(count, what);
    case ValueType::u32: return numbers<uint32_t, int64_t>(count, what);
    case ValueType::i32: return numbers<int32_t, int64_t>(count, what);
    case ValueType::i64: return numbers<int64_t, int64_t>(count, what);
    case ValueType::u64: return numbers<uint64_t, uint64_t>(count, what);
    case ValueType::f32: return numbers<float, double>(count, what);
    case ValueType::f64: return numbers<double, double>(count, what);
    case ValueType::boolean: return numbers<uint8_t, bool>(count, what);
    case ValueType::string: break;
    default:
      return corrupt("[", where_, "] ", what,
                     " must be an array of numbers, booleans or strings, got value type ", type,
                     "; the file is damaged or of a newer format");
  }
  if (count > remaining() / sizeof(uint64_t)) return truncated(what, remaining() + 1);
  std::vector<std::string_view> texts;
  texts.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    MELETE_ASSIGN_OR_RETURN(const std::string_view item, text(what));
    texts.push_back(item);
  }
  return GgufValue(std::move(texts));
}

}  // namespace melete
