// Files by the hash of their bytes.
#include <algorithm>
#include <array>

#include "server/api/app_data.h"
#include "server/api/multipart.h"

namespace melete {
namespace {

constexpr size_t kMaxParts = 64;

Json file_json(const StoredFile& file) {
  return {{"id", file.id},
          {"name", file.name},
          {"type", file.type},
          {"bytes", file.bytes},
          {"created_ms", file.created_ms},
          {"num_references", file.num_references}};
}

Files files_of(const AppServices& services, const Exchange& exchange) {
  return services.store.files(exchange.caller.user);
}

Reply upload_files(const AppServices& services, Exchange& exchange) {
  const auto parts = parse_form(exchange.request.header("content-type"), exchange.request.body, kMaxParts);
  if (!parts)
    return ApiError{400, cat("must be multipart/form-data with at most ", kMaxParts, " files"), "body",
                    "invalid_form"};
  Files files = files_of(services, exchange);
  Json list = Json::array();
  for (const FormPart& part : *parts) {
    MELETE_ASSIGN_OR_RETURN(const StoredFile kept, files.put(part.bytes, part.file_name, part.type));
    list.push_back(file_json(kept));
  }
  return Json{{"files", std::move(list)}};
}

Reply list_files(const AppServices& services, Exchange& exchange) {
  MELETE_ASSIGN_OR_RETURN(const auto files, files_of(services, exchange).list());
  Json list = Json::array();
  for (const StoredFile& file : files) list.push_back(file_json(file));
  return Json{{"files", std::move(list)}};
}

Reply show_file(const AppServices& services, Exchange& exchange) {
  MELETE_ASSIGN_OR_RETURN(const StoredFile file,
                          files_of(services, exchange).get(exchange.request.parameters.at("id")));
  return file_json(file);
}

// What a browser may show by itself: none of it can run anything. All else is only saved.
bool is_shown(const std::string& type) {
  constexpr std::array kShown = {"image/png",  "image/jpeg", "image/webp", "image/gif", "audio/wav",
                                 "audio/mpeg", "audio/ogg",  "audio/flac", "video/mp4", "video/webm"};
  return std::find(kShown.begin(), kShown.end(), type) != kShown.end();
}

// RFC 6266 and 8187: every name as UTF-8 in %XX.
std::string disposition(const StoredFile& file) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr const char* kHex = "0123456789ABCDEF";
  std::string text = is_shown(file.type) ? "inline" : "attachment";
  if (file.name.empty()) return text;
  text += "; filename*=UTF-8''";
  for (const char c : file.name) {
    if (kPlain.find(c) != std::string_view::npos) {
      text += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      text += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return text;
}

Reply download_file(const AppServices& services, Exchange& exchange) {
  const Files files = files_of(services, exchange);
  const std::string& id = exchange.request.parameters.at("id");
  MELETE_ASSIGN_OR_RETURN(const StoredFile file, files.get(id));
  HttpResponse response;
  MELETE_ASSIGN_OR_RETURN(response.body, files.read(id));
  response.content_type = is_shown(file.type) ? file.type : "application/octet-stream";
  // What an id names never changes.
  response.headers = {{"Content-Disposition", disposition(file)},
                      {"Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'"},
                      {"Cache-Control", "private, max-age=31536000, immutable"},
                      {"ETag", "\"" + file.id + "\""}};
  return response;
}

Reply remove_file(const AppServices& services, Exchange& exchange) {
  MELETE_RETURN_IF_ERROR(files_of(services, exchange).remove(exchange.request.parameters.at("id")));
  return Reply::done();
}

}  // namespace

void add_file_routes(Router& router, const AppServices& services) {
  const Json files = list_schema("files", "File");
  Route put{"POST", "/api/files", Access::data, "keep files, each once", on_worker(services, upload_files)};
  put.request = Json{
      {"type", "object"},
      {"properties", {{"file", {{"type", "array"}, {"items", {{"type", "string"}, {"format", "binary"}}}}}}}};
  put.request_type = "multipart/form-data";
  put.response = files;
  router.add(std::move(put));
  router.add({"GET", "/api/files", Access::data, "all files", on_worker(services, list_files), {}, files});
  router.add({"GET",
              "/api/files/{id}",
              Access::data,
              "a file's name, type and size",
              on_worker(services, show_file),
              {},
              schema_named("File")});
  Route get{"GET", "/api/files/{id}/content", Access::data, "a file's bytes",
            on_worker(services, download_file)};
  get.response_type = "application/octet-stream";
  router.add(std::move(get));
  router.add({"DELETE", "/api/files/{id}", Access::data, "delete a file that no message refers to",
              on_worker(services, remove_file)});
}

}  // namespace melete
