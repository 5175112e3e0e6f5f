// Files over HTTP(S), resumable, through libcurl.
//
// Proxies come from the environment as for curl (https_proxy, http_proxy, no_proxy). The bytes lie in
// PATH.part until they are complete and their checksum is right, then PATH appears by rename; a part whose
// server has another version by now (ETag, kept in PATH.part.etag) is begun again. Ctrl-C stops at once and
// leaves the part for the next try.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"

namespace melete {

struct Download {
  std::string url;  // http: or https:
  std::filesystem::path path;
  int64_t bytes = -1;    // known size; -1: what the server says
  std::string sha256;    // of the whole file; empty: not checked
  std::string git_blob;  // the same as git's checksum
  std::string token;     // sent to the url's own host as a bearer token; empty: none
  std::string label;     // of the progress bar
};

// Does nothing if `path` exists with the right checksum (or size where no checksum is known). Errors:
// not_found (404), unavailable (network, status, disk: what was fetched is kept), corrupt (size or checksum,
// the part is removed), cancelled, invalid_argument (url, token refused).
Status download(const Download& request);

// A small answer of a server as text. Errors: as above; exhausted above max_bytes.
Result<std::string> fetch_text(const std::string& url, const std::string& token,
                               int64_t max_bytes = int64_t{16} << 20);

}  // namespace melete
