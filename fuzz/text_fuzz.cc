// Any bytes as a CSV, TSV, JSON or text file: found to be text or not, read as JSON or refused, without a
// hang.
#include "base/json.h"
#include "media/sniff.h"
#include "text/attachment.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  melete::sniff(bytes);
  const auto json = melete::parse_json(bytes, "input");
  if (json.ok()) MELETE_CHECK(*melete::parse_json(json->dump(), "written") == *json);
  if (melete::is_plain_text(bytes)) {
    const std::vector<melete::Part> file = {std::string(bytes)};
    const auto parts = melete::attached_parts(file, "?", {});
    MELETE_CHECK(parts.ok() && std::get<melete::TextPart>(parts->at(0)).text.size() <= size + 3);
  }
  return 0;
}
