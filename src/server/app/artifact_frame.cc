#include "server/app/artifact_frame.h"

#include "base/ascii.h"
#include "server/app/app_pages.h"

namespace melete {
namespace {

// What artifacts are made of is inline; `webrtc` counts where browsers know it.
constexpr const char* kFramePolicy =
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data: blob:; media-src data: blob:; font-src data:; connect-src 'none'; frame-src 'none'; "
    "worker-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; webrtc 'block'; "
    "sandbox allow-scripts; frame-ancestors ";

constexpr const char* kNoDevices =
    "camera=(), microphone=(), geolocation=(), display-capture=(), midi=(), usb=(), serial=(), hid=(), "
    "bluetooth=(), payment=(), clipboard-read=(), screen-wake-lock=(), idle-detection=(), local-fonts=()";

}  // namespace

std::string origin_beside(const HttpRequest& request, uint16_t port, bool secure) {
  std::string host = lower_ascii(request.header("host"));
  host = host.substr(0, host.find(':'));
  const bool is_name =
      !host.empty() && host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-_") == std::string::npos;
  if (!is_name || port == 0) return {};
  return cat(secure ? "https://" : "http://", host, ":", port);
}

void ArtifactFrame::handle(ExchangePtr exchange) {
  const HttpRequest& request = exchange->request;
  if (request.path != "/frame" || (request.method != "GET" && request.method != "HEAD"))
    return exchange->respond(refuse(request.path, 404, "there is only GET /frame here"));
  for (const WebFile& file : web_files()) {
    if (file.path != "frame.html") continue;
    const std::string app = origin_beside(request, app_port_, secure_);
    HttpResponse response = page_response(file, request, kFramePolicy + (app.empty() ? "'none'" : app));
    response.headers.emplace_back("Connection-Allowlist", "()");
    response.headers.emplace_back("Permissions-Policy", kNoDevices);
    response.headers.emplace_back("X-DNS-Prefetch-Control", "off");
    return exchange->respond(std::move(response));
  }
  MELETE_CHECK(false, "frame.html is not among the app's files");
}

HttpResponse ArtifactFrame::refuse(std::string_view, int status, const std::string& message) {
  return {status, message + "\n", "text/plain; charset=utf-8"};
}

}  // namespace melete
