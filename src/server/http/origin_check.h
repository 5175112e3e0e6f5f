// Which pages may talk to this server: a web page of anybody can make a browser send requests here, and by
// changing what its name resolves to (DNS rebinding) it can read the answers too.
//
// Host must be a name that no stranger's page can have: an address, localhost, or one that the owner named.
// Origin, which browsers send for pages, must be this server's own or one that the owner allowed.
#pragma once

#include <string>
#include <vector>

#include "server/http/message.h"

namespace melete {

struct OriginPolicy {
  std::vector<std::string> hosts;    // further names of this server, without a port: "melete.example"
  std::vector<std::string> origins;  // of pages elsewhere: "https://app.example"
};

// Why the request is refused, as a sentence; empty: it isn't.
std::string origin_problem(const HttpRequest& request, const OriginPolicy& policy);

// What lets an allowed page read the answer, or (OPTIONS, the browser's preflight) send the request; none for
// others. No page elsewhere gets the session's cookie: it must bring a key.
HttpHeaders origin_headers(const HttpRequest& request, const OriginPolicy& policy);

}  // namespace melete
