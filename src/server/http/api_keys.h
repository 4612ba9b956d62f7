// Keys that clients show: read from flags, a file or the environment, and
// compared without telling by time how much of one was right.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hadal {

// A key's SHA-256: the key itself is not kept.
using KeyDigest = std::array<uint8_t, 32>;

struct ApiKey {
  std::string name;  // of the client, for logs and fairness
  KeyDigest digest{};
};

// "NAME=KEY" or "KEY". NAME consists of letters, digits and "._-", and KEY of
// printable ASCII without blanks; a text that ends with its first "=" is a key
// without a name (base64). `number` names the nameless: "key-1". Throws
// Error(invalid_argument) that does not quote the key.
ApiKey parse_api_key(std::string_view text, size_t number);

// One key a line; empty lines and those that start with # are skipped. Throws
// Error: not_found, io, invalid_argument with the line's number.
std::vector<ApiKey> read_api_keys(const std::filesystem::path& file);

// The name of the key that equals `presented`, null when none does. Takes the
// same time for every `presented` of a length. Beside names of equal keys the
// first counts.
const std::string* find_api_key(
    const std::vector<ApiKey>& keys, std::string_view presented);

}  // namespace hadal
