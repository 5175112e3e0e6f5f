#include "catalogue/digest.h"

#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "base/hex.h"
#include "base/interrupt.h"

namespace melete {
namespace {

Status add_file(const std::filesystem::path& path, Digest& digest) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), std::fclose);
  const auto failed = [&]() -> Error {
    return {errno == ENOENT ? ErrorKind::not_found : ErrorKind::unavailable,
            cat("[", path.string(), "] the file must be possible to read, got: ", std::strerror(errno),
                "; check the path and the disk")};
  };
  if (!file) return failed();
  std::vector<std::byte> chunk(size_t{1} << 20);
  while (const size_t count = std::fread(chunk.data(), 1, chunk.size(), file.get())) {
    digest.add(std::span(chunk).first(count));
    if (interrupted()) return cancelled("[", path.string(), "] checking was interrupted");
  }
  return std::ferror(file.get()) ? Status(failed()) : ok_status();
}

}  // namespace

struct Digest::State {
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
};

Digest::Digest(const char* algorithm) : state_(std::make_unique<State>()) {
  const EVP_MD* method = EVP_get_digestbyname(algorithm);
  MELETE_CHECK(method != nullptr && EVP_DigestInit_ex(state_->context.get(), method, nullptr) == 1,
               algorithm);
}
Digest::~Digest() = default;

void Digest::add(std::span<const std::byte> bytes) {
  MELETE_CHECK(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1);
}

std::string Digest::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int count = 0;
  MELETE_CHECK(EVP_DigestFinal_ex(state_->context.get(), bytes.data(), &count) == 1);
  return hex_text(std::span(bytes).first(count));
}

Result<std::string> sha256_of_file(const std::filesystem::path& path) {
  Digest digest("sha256");
  MELETE_RETURN_IF_ERROR(add_file(path, digest));
  return digest.hex();
}

Result<std::string> git_blob_of_file(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  Digest digest("sha1");
  digest.add(cat("blob ", error ? 0 : size));
  digest.add(std::string_view("\0", 1));
  MELETE_RETURN_IF_ERROR(add_file(path, digest));
  return digest.hex();
}

}  // namespace melete
