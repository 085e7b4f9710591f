#include "api/base/certificates.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace mx2 {
namespace {

struct FreeCertificates {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(STACK_OF(X509_INFO) * all) const { sk_X509_INFO_pop_free(all, X509_INFO_free); }
};

std::string last_error() {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

}  // namespace

Result<std::size_t> count_certificates(const std::string& path) {
  const std::unique_ptr<BIO, FreeCertificates> file(BIO_new_file(path.c_str(), "r"));
  if (!file) {
    ERR_clear_error();
    return unavailable("cannot read " + path + ": " + std::strerror(errno));
  }
  const std::unique_ptr<STACK_OF(X509_INFO), FreeCertificates> all(
      PEM_X509_INFO_read_bio(file.get(), nullptr, nullptr, nullptr));
  if (!all) return invalid_argument(path + " is no PEM file of certificates: " + last_error());
  std::size_t certificates = 0;
  for (int i = 0; i < sk_X509_INFO_num(all.get()); ++i) {
    if (sk_X509_INFO_value(all.get(), i)->x509 != nullptr) ++certificates;
  }
  if (certificates == 0) return invalid_argument(path + " has no certificate in PEM");
  return certificates;
}

}  // namespace mx2
