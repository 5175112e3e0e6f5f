// multipart/form-data (RFC 7578), as browsers send files. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace melete {

struct FormPart {
  std::string name, file_name, type;
  std::string_view bytes;  // of the body
};

// The parts of a body, of at most `max_parts`; nothing if it isn't one of this content type.
std::optional<std::vector<FormPart>> parse_form(std::string_view content_type, std::string_view body,
                                                size_t max_parts);

}  // namespace melete
