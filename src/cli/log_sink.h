// Log lines of the library on stderr.
#pragma once

#include <string>

namespace hadal::cli {

// Sends what the library logs to stderr at the given levels (hadal/log.h;
// empty: nothing); again to change them. Returns what is wrong with them, empty
// when nothing is.
std::string start_log(const std::string& levels);

}  // namespace hadal::cli
