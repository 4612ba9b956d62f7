// The version of the library and of the program.
#pragma once

#include <string_view>

namespace hadal {

// "0.1.0": of the library that is linked.
std::string_view version();

}  // namespace hadal
