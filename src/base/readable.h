// Numbers as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace hadal {

// 1234567 -> "1,234,567"
std::string grouped(int64_t n);

// Powers of ten with three digits: "823 B", "30.6 MB", "160 GB".
std::string readable_bytes(uint64_t bytes);

}  // namespace hadal
