#include "server/http/testing_certificate.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <memory>

namespace hadal::testing {
namespace {

void add_extension(X509* certificate, int id, const char* value) {
  X509_EXTENSION* const extension =
      ::X509V3_EXT_conf_nid(nullptr, nullptr, id, value);
  ::X509_add_ext(certificate, extension, -1);
  ::X509_EXTENSION_free(extension);
}

}  // namespace

TestCertificate::TestCertificate() {
  static std::atomic<int> count = 0;
  const std::string base = (std::filesystem::temp_directory_path() /
                            ("hadal-test-" + std::to_string(::getpid()) + "-" +
                             std::to_string(++count)))
                               .string();
  certificate_file_ = base + ".crt";
  key_file_ = base + ".key";

  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(
      ::EVP_EC_gen("P-256"), ::EVP_PKEY_free);
  const std::unique_ptr<X509, void (*)(X509*)> certificate(
      ::X509_new(), ::X509_free);
  X509* const x509 = certificate.get();
  ::X509_set_version(x509, 2);
  ::ASN1_INTEGER_set(::X509_get_serialNumber(x509), ++count);
  ::X509_gmtime_adj(::X509_getm_notBefore(x509), -60);
  ::X509_gmtime_adj(::X509_getm_notAfter(x509), 3600);
  ::X509_set_pubkey(x509, key.get());
  X509_NAME* const name = ::X509_get_subject_name(x509);
  ::X509_NAME_add_entry_by_txt(
      name,
      "CN",
      MBSTRING_ASC,
      reinterpret_cast<const unsigned char*>("localhost"),
      -1,
      -1,
      0);
  ::X509_set_issuer_name(x509, name);
  add_extension(x509, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
  add_extension(x509, NID_basic_constraints, "critical,CA:TRUE");
  ::X509_sign(x509, key.get(), ::EVP_sha256());

  std::FILE* file = std::fopen(certificate_file_.c_str(), "w");
  ::PEM_write_X509(file, x509);
  std::fclose(file);
  file = std::fopen(key_file_.c_str(), "w");
  ::PEM_write_PrivateKey(
      file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
}

TestCertificate::~TestCertificate() {
  std::error_code ignored;
  std::filesystem::remove(certificate_file_, ignored);
  std::filesystem::remove(key_file_, ignored);
}

}  // namespace hadal::testing
