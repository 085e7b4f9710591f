#include "api/base/digest.h"

#include <openssl/evp.h>

#include <array>
#include <stdexcept>

#include "api/base/text.h"

namespace mx2 {
namespace {

struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Handle = std::unique_ptr<EVP_MD_CTX, FreeDigest>;

// OpenSSL fails here for want of memory, or where an administrator has forbidden SHA-256.
void need(int result) {
  if (result != 1) throw std::runtime_error("SHA-256 is not available");
}

}  // namespace

struct Sha256::Context {
  Handle handle{EVP_MD_CTX_new()};
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  need(EVP_DigestInit_ex(context_->handle.get(), EVP_sha256(), nullptr));
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view data) {
  need(EVP_DigestUpdate(context_->handle.get(), data.data(), data.size()));
}

std::string Sha256::hex() const {
  const Handle copy(EVP_MD_CTX_new());
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  need(EVP_MD_CTX_copy_ex(copy.get(), context_->handle.get()));
  need(EVP_DigestFinal_ex(copy.get(), digest.data(), &size));
  return to_hex({digest.data(), size});
}

}  // namespace mx2
