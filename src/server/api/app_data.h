// /api/files, settings, export and import: what the caller has in the data folder besides conversations; and
// /api/speech.
#pragma once

#include "server/api/app_route.h"
#include "server/http/router.h"

namespace melete {

void add_file_routes(Router& router, const AppServices& services);
void add_data_routes(Router& router, const AppServices& services);
void add_speech_routes(Router& router, const AppServices& services);

}  // namespace melete
