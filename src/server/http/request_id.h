// What names a request in the logs of both sides.
#pragma once

#include <string>
#include <string_view>

namespace melete {

// The client's own id if it is 1 to 128 letters, digits, '-', '_', '.' or ':', else a new one.
std::string request_id(std::string_view given);

// `bytes` random bytes in hexadecimal, from the system: nobody can guess them.
std::string random_hex(int bytes);

// Now in UTC: "2026-03-01T12:00:00.123Z".
std::string time_text();

}  // namespace melete
