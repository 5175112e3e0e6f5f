#include "server/app/app_pages.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/ascii.h"

namespace melete {
namespace {

// Scripts, styles and all else come from here alone, nothing is inline, and what is put into the page as HTML
// must have gone through one of the named gates. `frames`: the origin that its frames may hold, empty for
// none.
std::string page_policy(const std::string& frames) {
  static constexpr const char* kPolicy =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
      "media-src 'self' blob:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
      "frame-ancestors 'none'; require-trusted-types-for 'script'; "
      "trusted-types svelte-trusted-html dompurify melete-worker; frame-src ";
  return kPolicy + (frames.empty() ? "'none'" : frames);
}

std::string_view content_type_of(std::string_view path) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kTypes = {{
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".woff2", "font/woff2"},
      {".mp3", "audio/mpeg"},
      {".mp4", "video/mp4"},
      {".csv", "text/csv; charset=utf-8"},
      {".txt", "text/plain; charset=utf-8"},
  }};
  for (const auto& [ending, type] : kTypes)
    if (path.ends_with(ending)) return type;
  return "application/octet-stream";
}

std::string etag_of(const WebFile& file) {
  const auto* data = reinterpret_cast<const Bytef*>(file.bytes.data());
  return cat("\"", crc32(0, data, static_cast<uInt>(file.bytes.size())), "-", file.bytes.size(), "\"");
}

// "gzip, deflate, br;q=0.5": whether it names gzip and doesn't refuse it.
bool takes_gzip(std::string_view accepted) {
  while (!accepted.empty()) {
    const size_t end = std::min(accepted.find(','), accepted.size());
    std::string each = lower_ascii(accepted.substr(0, end));
    accepted.remove_prefix(std::min(end + 1, accepted.size()));
    std::erase_if(each, [](char c) { return c == ' ' || c == '\t'; });
    const std::string name = each.substr(0, each.find(';'));
    const bool refused = each.find(";q=0") != std::string::npos &&
                         each.find_first_of("123456789", each.find(";q=0")) == std::string::npos;
    if (name == "gzip" || name == "*") return !refused;
  }
  return false;
}

}  // namespace

std::optional<std::string> gunzip(std::string_view bytes) {
  z_stream stream = {};
  if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) return std::nullopt;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // zlib only reads it
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string text;
  std::array<char, 16384> piece = {};
  int state = Z_OK;
  while (state == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = piece.size();
    state = inflate(&stream, Z_NO_FLUSH);
    text.append(piece.data(), piece.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (state != Z_STREAM_END) return std::nullopt;
  return text;
}

HttpResponse page_response(const WebFile& file, const HttpRequest& request, const std::string& policy) {
  HttpResponse response;
  const bool changes = !file.path.starts_with("assets/") || file.path.ends_with(".txt");
  const std::string etag = etag_of(file);
  response.headers = {{"ETag", etag},
                      {"Cache-Control", changes ? "no-cache" : "public, max-age=31536000, immutable"},
                      {"Content-Security-Policy", policy},
                      {"Vary", "Accept-Encoding"}};
  if (request.header("if-none-match").find(etag) != std::string_view::npos) {
    response.status = 304;
    response.content_type = "";
    return response;
  }
  response.content_type = std::string(content_type_of(file.path));
  if (!file.is_gzip || takes_gzip(request.header("accept-encoding"))) {
    response.body = std::string(file.bytes);
    if (file.is_gzip) response.headers.emplace_back("Content-Encoding", "gzip");
    return response;
  }
  auto text = gunzip(file.bytes);
  MELETE_CHECK(text, file.path);
  response.body = *std::move(text);
  return response;
}

void add_app_pages(Router& router, const ArtifactsPlace& artifacts) {
  const auto give = [&router, &artifacts](std::string path, std::string summary, auto find) {
    Route route{"GET", std::move(path), Access::anyone, std::move(summary), nullptr};
    route.handle = [find, &artifacts](const ExchangePtr& exchange) {
      const std::string wanted = find(exchange->request);
      for (const WebFile& file : web_files())
        if (file.path == wanted)
          return exchange->respond(
              page_response(file, exchange->request,
                            page_policy(origin_beside(exchange->request, artifacts.port, artifacts.secure))));
      exchange->respond(404, {{"error",
                               {{"message", cat("there is no file ", wanted, " of the app; open / anew")},
                                {"type", "invalid_request_error"},
                                {"param", nullptr},
                                {"code", "not_found"}}}});
    };
    route.response_type = "text/html";
    router.add(std::move(route));
  };
  give("/", "the app", [](const HttpRequest&) { return std::string("index.html"); });
  give("/sw.js", "what keeps the app's files in the browser",
       [](const HttpRequest&) { return std::string("sw.js"); });
  give("/assets/{file}", "a file of the app",
       [](const HttpRequest& request) { return cat("assets/", request.parameters.at("file")); });
}

}  // namespace melete
