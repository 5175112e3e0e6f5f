#include "catalogue/download.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "base/ascii.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "catalogue/digest.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

constexpr long kConnectTimeoutS = 30, kStallS = 60, kMaxRedirects = 10, kTries = 5;

using Curl = std::unique_ptr<CURL, void (*)(CURL*)>;
using Headers = std::unique_ptr<curl_slist, void (*)(curl_slist*)>;

// One request: where its bytes go, and what the server said of them.
class Transfer {
 public:
  virtual ~Transfer() = default;
  virtual bool begin(long status) = 0;  // before the first byte of an answer that isn't a redirect
  virtual bool write(const char* bytes, size_t count) = 0;
  virtual void progress() {}

  long status = 0;
  std::string etag;
  int64_t content_length = -1;
  std::string problem;  // why write() or begin() stopped the transfer

  Status run(const std::string& url, const std::string& token, const std::vector<std::string>& extra_headers);

 private:
  static size_t on_header(char* bytes, size_t size, size_t count, void* self);
  static size_t on_body(char* bytes, size_t size, size_t count, void* self);
  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t);

  CURL* handle_ = nullptr;
  bool begun_ = false;
};

size_t Transfer::on_header(char* bytes, size_t size, size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  const std::string line(bytes, size * count);
  if (line.rfind("HTTP/", 0) == 0)
    transfer.etag.clear(), transfer.content_length = -1;  // of the last answer only
  const size_t colon = line.find(':');
  if (colon == std::string::npos) return size * count;
  const std::string name = lower_ascii(line.substr(0, colon));
  const size_t begin = line.find_first_not_of(' ', colon + 1), end = line.find_last_not_of("\r\n ");
  const std::string value =
      begin == std::string::npos || end < begin ? "" : line.substr(begin, end - begin + 1);
  if (name == "etag") transfer.etag = value;
  if (name == "content-length") transfer.content_length = std::strtoll(value.c_str(), nullptr, 10);
  return size * count;
}

size_t Transfer::on_body(char* bytes, size_t size, size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  curl_easy_getinfo(transfer.handle_, CURLINFO_RESPONSE_CODE, &transfer.status);
  if (transfer.status >= 300) return size * count;  // the text of an error page
  if (!transfer.begun_ && !transfer.begin(transfer.status)) return 0;
  transfer.begun_ = true;
  return transfer.write(bytes, size * count) ? size * count : 0;
}

int Transfer::on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  static_cast<Transfer*>(self)->progress();
  return interrupted() ? 1 : 0;
}

Status Transfer::run(const std::string& url, const std::string& token,
                     const std::vector<std::string>& extra_headers) {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  const Curl curl(started == CURLE_OK ? curl_easy_init() : nullptr, curl_easy_cleanup);
  if (!curl) return unavailable("[", url, "] libcurl must start, got an error; check its installation");
  handle_ = curl.get();
  begun_ = false;
  Headers headers(nullptr, curl_slist_free_all);
  const auto add_header = [&](const std::string& text) {
    headers.reset(curl_slist_append(headers.release(), text.c_str()));
  };
  for (const std::string& text : extra_headers) add_header(text);
  std::array<char, CURL_ERROR_SIZE> message{};
  const auto set = [&](auto option, auto value) { curl_easy_setopt(curl.get(), option, value); };
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 1L);
  set(CURLOPT_MAXREDIRS, kMaxRedirects);
  set(CURLOPT_USERAGENT, "melete");
  set(CURLOPT_HTTPHEADER, headers.get());
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_CONNECTTIMEOUT, kConnectTimeoutS);
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, kStallS);
  set(CURLOPT_ERRORBUFFER, message.data());
  set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(CURLOPT_XFERINFOFUNCTION, &Transfer::on_progress);
  set(CURLOPT_XFERINFODATA, static_cast<void*>(this));
  set(CURLOPT_NOPROGRESS, 0L);
  if (!token.empty()) {  // libcurl sends it to the first host only, not to where it is redirected
    set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BEARER));
    set(CURLOPT_XOAUTH2_BEARER, token.c_str());
  }
  const CURLcode code = curl_easy_perform(curl.get());
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  handle_ = nullptr;
  if (interrupted()) return cancelled("[", url, "] was interrupted; run it again to go on");
  if (!problem.empty()) return unavailable("[", url, "] ", problem);
  if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT)
    return invalid_argument("[", url, "] must be an http or https address, got another; check it");
  if (code != CURLE_OK)
    return unavailable("[", url, "] the server must be reached, got: ",
                       message[0] != 0 ? message.data() : curl_easy_strerror(code),
                       "; check the network and the proxy (https_proxy), then run it again to go on");
  return ok_status();
}

Status check_status(const std::string& url, long status) {
  if (status == 404 || status == 410)
    return not_found("[", url, "] must exist, got status ", status, "; check the name");
  if (status == 401 || status == 403)
    return invalid_argument("[", url, "] must be allowed, got status ", status,
                            "; accept the model's terms on its page and set HF_TOKEN to your token");
  if (status < 200 || status >= 300)
    return unavailable("[", url, "] the server must answer with the file, got status ", status,
                       "; try again later");
  return ok_status();
}

class TextTransfer : public Transfer {
 public:
  explicit TextTransfer(int64_t max_bytes) : max_bytes_(max_bytes) {}
  bool begin(long) override { return true; }
  bool write(const char* bytes, size_t count) override {
    if (static_cast<int64_t>(text.size() + count) > max_bytes_) {
      too_long = true;
      problem = cat("the answer must have at most ", max_bytes_, " bytes, got more; check the address");
      return false;
    }
    text.append(bytes, count);
    return true;
  }

  std::string text;
  bool too_long = false;

 private:
  int64_t max_bytes_;
};

class FileTransfer : public Transfer {
 public:
  FileTransfer(const Download& request, fs::path part) : request_(request), part_(std::move(part)) {}
  ~FileTransfer() override { close(); }

  bool begin(long answered) override {
    const bool goes_on = answered == 206 && offset > 0;
    fd_ = ::open(part_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (goes_on ? O_APPEND : O_TRUNC), 0644);
    if (!goes_on) offset = 0;
    const int64_t total = content_length >= 0 ? offset + content_length : request_.bytes;
    if (fd_ < 0 || !write_file(etag_path(), etag).ok()) return disk_problem();
    if (total > 0 && request_.bytes > 0 && total != request_.bytes) {
      problem =
          cat("the file must have ", request_.bytes, " bytes, got ", total, "; its author has changed it");
      return false;
    }
    std::error_code error;
    const auto space = fs::space(part_.parent_path(), error);
    if (!error && total > 0 && static_cast<uint64_t>(total - offset) > space.available) {
      problem = cat("the disk must have room for ", total - offset, " bytes, got ", space.available,
                    "; free some or choose another folder with --models");
      return false;
    }
    bar_.emplace(request_.label, std::max<int64_t>(total, 0), "bytes", offset);
    return true;
  }

  bool write(const char* bytes, size_t count) override {
    while (count > 0) {
      const ssize_t n = ::write(fd_, bytes, count);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return disk_problem();
      bytes += n, count -= static_cast<size_t>(n), offset += n;
    }
    return true;
  }

  void progress() override {
    if (bar_) bar_->set(offset);
  }

  // Whether all bytes are safely on the disk.
  bool close() {
    const bool synced = fd_ < 0 || ::fsync(fd_) == 0;
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
    bar_.reset();
    return synced;
  }

  fs::path etag_path() const { return part_.string() + ".etag"; }

  int64_t offset = 0;  // bytes in the part

 private:
  bool disk_problem() {
    problem = cat("the file must be possible to write at ", part_.string(), ", got: ", std::strerror(errno),
                  "; check the disk, then run it again to go on");
    return false;
  }

  const Download& request_;
  const fs::path part_;
  int fd_ = -1;
  std::optional<Progress> bar_;
};

// Whether the file has the bytes that are known of it.
Status check_file(const fs::path& file, const Download& request) {
  std::error_code error;
  const auto size = static_cast<int64_t>(fs::file_size(file, error));
  if (error) return not_found("[", file.string(), "] must exist, got: ", error.message(), "; run it again");
  if (request.bytes >= 0 && size != request.bytes)
    return corrupt("[", file.string(), "] must have ", request.bytes, " bytes, got ", size, "; run it again");
  if (!request.sha256.empty()) {
    MELETE_ASSIGN_OR_RETURN(const std::string sum, sha256_of_file(file));
    if (sum != lower_ascii(request.sha256))
      return corrupt("[", file.string(), "] must have the sha256 ", request.sha256, ", got ", sum,
                     "; run it again");
  } else if (!request.git_blob.empty()) {
    MELETE_ASSIGN_OR_RETURN(const std::string sum, git_blob_of_file(file));
    if (sum != lower_ascii(request.git_blob))
      return corrupt("[", file.string(), "] must have git's checksum ", request.git_blob, ", got ", sum,
                     "; run it again");
  }
  return ok_status();
}

// One try to fetch what is missing of the part. ok with false: begin again from nothing.
Result<bool> fetch_rest(const Download& request, const fs::path& part) {
  FileTransfer transfer(request, part);
  std::error_code error;
  const auto size = fs::file_size(part, error);
  const auto etag = read_file(transfer.etag_path(), 4096);
  std::vector<std::string> headers;
  if (!error && size > 0 && static_cast<int64_t>(size) == request.bytes) return true;
  if (!error && size > 0 && etag.ok() && !etag->empty() && etag->rfind("W/", 0) != 0) {
    transfer.offset = static_cast<int64_t>(size);
    headers = {cat("Range: bytes=", size, "-"), "If-Range: " + *etag};
  }
  const Status status = transfer.run(request.url, request.token, headers);
  const bool synced = transfer.close();
  MELETE_RETURN_IF_ERROR(status);
  if (transfer.status == 416) return false;  // the part is longer than the file
  MELETE_RETURN_IF_ERROR(check_status(request.url, transfer.status));
  if (!synced)
    return unavailable("[", part.string(), "] must be possible to write, got: ", std::strerror(errno),
                       "; check the disk, then run it again");
  if (transfer.content_length == 0 && !fs::exists(part, error)) {
    const auto empty = write_file(part, "");
    if (!empty.ok()) return empty.error();
  }
  return true;
}

}  // namespace

Status download(const Download& request) {
  std::error_code error;
  if (fs::exists(request.path, error) && check_file(request.path, request).ok()) return ok_status();
  fs::create_directories(request.path.parent_path(), error);
  const fs::path part = request.path.string() + ".part", etag = part.string() + ".etag";
  Status last = ok_status();
  for (int tries = 0; tries < kTries; ++tries) {
    const Result<bool> complete = fetch_rest(request, part);
    if (complete.ok() && *complete) {
      last = check_file(part, request);
      if (last.ok()) break;
      if (last.error().kind != ErrorKind::corrupt) return last;
    } else if (!complete.ok()) {
      return complete.error();
    } else {
      last = corrupt("[", request.url, "] the part must fit the server's file; run it again");
    }
    fs::remove(part, error);
    fs::remove(etag, error);
    if (tries == 1) return last;  // twice the same wrong bytes
  }
  MELETE_RETURN_IF_ERROR(last);
  fs::rename(part, request.path, error);
  if (error)
    return unavailable("[", request.path.string(), "] must be possible to write, got: ", error.message(),
                       "; check the disk");
  fs::remove(etag, error);
  return ok_status();
}

Result<std::string> fetch_text(const std::string& url, const std::string& token, int64_t max_bytes) {
  TextTransfer transfer(max_bytes);
  const Status status = transfer.run(url, token, {});
  if (transfer.too_long) return exhausted("[", url, "] ", transfer.problem);
  MELETE_RETURN_IF_ERROR(status);
  MELETE_RETURN_IF_ERROR(check_status(url, transfer.status));
  return std::move(transfer.text);
}

}  // namespace melete
