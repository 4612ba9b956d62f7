#include "server/http/api_keys.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/log.h"
#include "hadal/error.h"

namespace hadal {
namespace {

constexpr size_t kMaxKeyBytes = 1024;
constexpr size_t kMaxNameBytes = 64;
constexpr size_t kMaxKeys = 10'000;

KeyDigest digest_of(std::string_view key) {
  KeyDigest digest{};
  ::SHA256(
      reinterpret_cast<const unsigned char*>(key.data()),
      key.size(),
      digest.data());
  return digest;
}

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxNameBytes &&
         std::all_of(text.begin(), text.end(), is_name_char);
}

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && blank(text.back()))
    text.remove_suffix(1);
  return text;
}

}  // namespace

ApiKey parse_api_key(std::string_view text, size_t number) {
  ApiKey key{.name = "key-" + std::to_string(number)};
  const size_t equals = text.find('=');
  if (equals != std::string_view::npos && is_name(text.substr(0, equals)) &&
      text.find_first_not_of('=', equals) != std::string_view::npos) {
    key.name = text.substr(0, equals);
    text.remove_prefix(equals + 1);
  }
  if (text.empty() || text.size() > kMaxKeyBytes ||
      std::any_of(
          text.begin(), text.end(), [](char c) { return c <= ' ' || c > '~'; }))
    throw Error(
        ErrorCode::invalid_argument,
        "API key " + std::to_string(number) +
            ": expected 1 to 1024 printable ASCII characters without blanks, "
            "with NAME= before them or not");
  key.digest = digest_of(text);
  return key;
}

std::vector<ApiKey> read_api_keys(const std::filesystem::path& file) {
  namespace fs = std::filesystem;
  std::ifstream in(file);
  if (!in)
    throw Error(
        errno == ENOENT ? ErrorCode::not_found : ErrorCode::io,
        "cannot open the API key file " + file.string() + ": " +
            std::strerror(errno));
  std::error_code ignored;
  const auto others = fs::perms::others_read | fs::perms::others_write;
  if ((fs::status(file, ignored).permissions() & others) != fs::perms::none)
    log(LogLevel::warning,
        "http",
        "{}: every user of this machine can read or write the API keys; "
        "chmod 600 it",
        file.string());
  std::vector<ApiKey> keys;
  std::string line;
  for (size_t number = 1; std::getline(in, line); ++number) {
    const std::string_view text = trimmed(line);
    if (text.empty() || text.front() == '#')
      continue;
    if (keys.size() == kMaxKeys)
      throw Error(
          ErrorCode::invalid_argument,
          file.string() + ": more than 10000 API keys");
    try {
      keys.push_back(parse_api_key(text, keys.size() + 1));
    } catch (const Error& error) {
      throw Error(
          ErrorCode::invalid_argument,
          file.string() + ", line " + std::to_string(number) + ": " +
              error.what());
    }
  }
  if (in.bad())
    throw Error(ErrorCode::io, "cannot read " + file.string());
  return keys;
}

const std::string* find_api_key(
    const std::vector<ApiKey>& keys, std::string_view presented) {
  const KeyDigest digest = digest_of(presented);
  const std::string* found = nullptr;
  for (const ApiKey& key : keys) {
    const bool equal =
        ::CRYPTO_memcmp(key.digest.data(), digest.data(), digest.size()) == 0;
    if (equal && found == nullptr)
      found = &key.name;
  }
  return found;
}

}  // namespace hadal
