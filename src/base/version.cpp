#include "hadal/version.h"

namespace hadal {

// Set by the build from the project's version in CMakeLists.txt.
std::string_view version() {
  return HADAL_VERSION;
}

}  // namespace hadal
