#include "server/api/part_data.h"

namespace melete {

void take_url(WireReader& fields, const char* name, WirePart& part, std::optional<ApiError>& problem) {
  const std::string url = fields.required_text(name);
  part.is_file = true;
  part.name = fields.path_of(name);
  if (!fields.failed()) part.bytes = decode_data_url(url, part.name, problem).value_or("");
}

void take_base64(WireReader& fields, const char* name, WirePart& part, std::optional<ApiError>& problem) {
  const std::string text = fields.required_text(name);
  part.is_file = true;
  part.name = fields.path_of(name);
  if (text.starts_with("data:")) {
    part.bytes = decode_data_url(text, part.name, problem).value_or("");
  } else if (auto bytes = decode_base64(text)) {
    part.bytes = *std::move(bytes);
  } else {
    fields.fail(part.name, "invalid_base64", "must be base64");
  }
}

}  // namespace melete
