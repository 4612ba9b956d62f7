// Role names.
#include "text/chat_message.h"

#include <array>
#include <utility>

namespace hadal {

ChatRole chat_role(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, ChatRole>, 6> kRoles = {{
      {"system", ChatRole::system},
      {"developer", ChatRole::developer},
      {"user", ChatRole::user},
      {"assistant", ChatRole::assistant},
      {"tool", ChatRole::tool},
      {"latest_reminder", ChatRole::latest_reminder},
  }};
  for (const auto& [known, role] : kRoles)
    if (known == name)
      return role;
  return ChatRole::other;
}

}  // namespace hadal
