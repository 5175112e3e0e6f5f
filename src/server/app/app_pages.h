// The app in the browser: /, /sw.js and /assets/*. What it asks the server for is /api/*.
#pragma once

#include <optional>
#include <string>

#include "server/app/artifact_frame.h"
#include "server/app/web_files.h"
#include "server/http/router.h"

namespace melete {

// `artifacts` outlives the router; frames of the page may hold that and nothing else.
void add_app_pages(Router& router, const ArtifactsPlace& artifacts);

// How a file goes to a client: compressed if it takes that, and nothing but its ETag if it has it already.
// Files with a hash in their names, those of assets/, never change; all else is asked for anew each time.
// `policy`: its Content-Security-Policy.
HttpResponse page_response(const WebFile& file, const HttpRequest& request, const std::string& policy);

// What gzip made of a text (RFC 1952). Nothing: it is no such thing.
std::optional<std::string> gunzip(std::string_view bytes);

}  // namespace melete
