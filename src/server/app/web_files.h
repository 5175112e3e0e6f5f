// The built files of the app in the browser, which are a part of the program: those of web/dist, as they are
// stored there (text compressed with gzip). cmake/web_files.cmake makes the table.
#pragma once

#include <span>
#include <string_view>

namespace melete {

struct WebFile {
  std::string_view path;  // "index.html", "assets/index-B3DGFpml.js"
  std::string_view bytes;
  bool is_gzip = false;
};

std::span<const WebFile> web_files();

}  // namespace melete
