// A fresh key and a certificate for localhost that it signs itself, as files
// that live as long as the object.
#pragma once

#include <string>

namespace hadal::testing {

class TestCertificate {
 public:
  TestCertificate();
  ~TestCertificate();
  TestCertificate(const TestCertificate&) = delete;
  TestCertificate& operator=(const TestCertificate&) = delete;

  const std::string& certificate_file() const { return certificate_file_; }
  const std::string& key_file() const { return key_file_; }

 private:
  std::string certificate_file_;
  std::string key_file_;
};

}  // namespace hadal::testing
