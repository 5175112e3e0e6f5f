// What artifacts run in: a page on a port of its own, so that its origin isn't the app's. The app shows it in
// a frame, sends it a source, and the page runs that without a network, the app, or anything that is stored.
//
// Three fences, each enough in Chromium: the content security policy of the page (no connection, no other
// frame, an origin that is no one's), Connection-Allowlist (no connection at all, WebRTC included), and the
// policy of the app's page, which lets frames hold nothing but this one.
#pragma once

#include <string>

#include "server/http/exchange.h"

namespace melete {

// Where the frame's page is, as the app's page must know it. Set before anyone is served.
struct ArtifactsPlace {
  uint16_t port = 0;  // 0: there is none
  bool secure = false;
};

// "http://melete.example:8081": the host of the request with another port. Empty if no policy can name it: an
// IPv6 address, or what is no host.
std::string origin_beside(const HttpRequest& request, uint16_t port, bool secure);

// Answers GET /frame for pages of the origin beside it.
class ArtifactFrame : public HttpApplication {
 public:
  void set_app(uint16_t port, bool secure) {
    app_port_ = port;
    secure_ = secure;
  }
  void handle(ExchangePtr exchange) override;
  HttpResponse refuse(std::string_view path, int status, const std::string& message) override;

 private:
  uint16_t app_port_ = 0;
  bool secure_ = false;
};

}  // namespace melete
