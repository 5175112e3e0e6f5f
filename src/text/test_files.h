// Files of testdata/text for the tests of this room.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/file.h"
#include "base/json.h"
#include "text/tokenizer.h"

namespace melete {

inline std::filesystem::path text_testdata(const std::string& name) {
  return std::filesystem::path(MELETE_SOURCE_DIR) / "testdata" / "text" / name;
}

inline Json golden(const std::string& name) {
  return parse_json(read_file(text_testdata(name)).value(), name).value();
}

// Our own kind of tokenizer, small.
inline std::shared_ptr<const Tokenizer> small_tokenizer() {
  static const auto tokenizer = load_tokenizer(text_testdata("melete.json")).value();
  return tokenizer;
}

}  // namespace melete
