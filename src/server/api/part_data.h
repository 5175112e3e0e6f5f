// Bytes in the fields of a message's part, on any surface.
#pragma once

#include "server/api/content.h"
#include "server/api/wire_reader.h"

namespace melete {

// Of a picture with "detail": "low": about 224 x 224 pixels.
inline constexpr int64_t kLowDetailTokens = 64;

// Each puts the bytes of a field into the part, whose name is then the field's path: of a data: URL, or of
// base64 or such a URL.
void take_url(WireReader& fields, const char* name, WirePart& part, std::optional<ApiError>& problem);
void take_base64(WireReader& fields, const char* name, WirePart& part, std::optional<ApiError>& problem);

}  // namespace melete
