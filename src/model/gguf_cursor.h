// Reads the parts of a GGUF header one after the other; nothing is read or reserved beyond the bytes there
// are.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/gguf.h"

namespace melete {

class GgufCursor {
 public:
  GgufCursor(std::string_view bytes, std::string_view where) : bytes_(bytes), where_(where) {}

  uint64_t position() const { return position_; }
  uint64_t remaining() const { return bytes_.size() - position_; }

  // `what` names the thing in messages: "the tensor count", "key 'general.name'". Errors: corrupt.
  template <class T>
  Result<T> number(std::string_view what) {
    T value{};
    if (remaining() < sizeof value) return truncated(what, sizeof value);
    std::memcpy(&value, bytes_.data() + position_, sizeof value);
    position_ += sizeof value;
    return value;
  }
  Result<std::string_view> text(std::string_view what);
  Result<GgufValue> value(std::string_view what);  // its type, then the value

 private:
  Error truncated(std::string_view what, uint64_t needed) const;
  Result<GgufValue> scalar(uint32_t type, std::string_view what);
  Result<GgufValue> array(std::string_view what);
  template <class Stored, class Kept>
  Result<GgufValue> numbers(uint64_t count, std::string_view what);

  std::string_view bytes_, where_;
  uint64_t position_ = 0;
};

}  // namespace melete
