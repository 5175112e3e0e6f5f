// Any bytes as a form with files: its parts lie in the body one behind the other, or it is no form.
//
// The first line is the content type, the rest the body.
#include <string_view>

#include "base/result.h"
#include "server/api/multipart.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kMaxParts = 8;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string_view type = bytes.substr(0, bytes.find('\n'));
  const std::string_view body = bytes.substr(std::min(type.size() + 1, size));
  const auto parts = melete::parse_form(type, body, kMaxParts);
  if (!parts) return 0;
  MELETE_CHECK(parts->size() <= kMaxParts);
  const char* end = body.data();
  for (const melete::FormPart& part : *parts) {
    MELETE_CHECK(part.bytes.data() >= end, "parts overlap");
    end = part.bytes.data() + part.bytes.size();
    MELETE_CHECK(end <= body.data() + body.size(), "a part is beyond the body");
  }
  return 0;
}
