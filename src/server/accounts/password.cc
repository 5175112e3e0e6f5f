#include "server/accounts/password.h"

#include <sodium.h>

#include <semaphore>

#include "text/utf8.h"

namespace melete {
namespace {

constexpr size_t kMinBytes = 8;
constexpr size_t kMaxBytes = 1024;
constexpr int kMaxAtOnce = 2;  // each takes its memory

std::counting_semaphore<kMaxAtOnce>& slots() {
  static std::counting_semaphore<kMaxAtOnce> slots(kMaxAtOnce);
  return slots;
}

class Slot {
 public:
  Slot() {
    slots().acquire();
    MELETE_CHECK(sodium_init() >= 0, "libsodium needs a source of random bytes");
  }
  ~Slot() { slots().release(); }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
};

}  // namespace

std::string password_problem(std::string_view password) {
  if (password.size() >= kMinBytes && password.size() <= kMaxBytes && valid_utf8(password) == password)
    return {};
  return cat("[password] a password must be UTF-8 of ", kMinBytes, " to ", kMaxBytes, " bytes, got ",
             password.size(), "; choose another");
}

Result<std::string> hash_password(std::string_view password, const PasswordCost& cost) {
  if (std::string problem = password_problem(password); !problem.empty())
    return Error{ErrorKind::invalid_argument, std::move(problem)};
  const Slot slot;
  std::string hash(crypto_pwhash_STRBYTES, '\0');
  if (crypto_pwhash_argon2id_str(hash.data(), password.data(), password.size(), cost.operations,
                                 static_cast<size_t>(cost.memory_bytes)) != 0)
    return unavailable("[password] hashing must get ", cost.memory_bytes,
                       " bytes of memory, got none; try again");
  hash.resize(hash.find('\0'));
  return hash;
}

bool password_matches(std::string_view password, const std::string& hash) {
  if (password.size() > kMaxBytes) return false;
  const Slot slot;
  return crypto_pwhash_argon2id_str_verify(hash.c_str(), password.data(), password.size()) == 0;
}

}  // namespace melete
