#include "cli/conversation.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "base/atomic_file.h"
#include "cli/read_text.h"
#include "hadal/error.h"

namespace hadal::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFormat = "hadal-chat-1";

const char* role_name(Role role) {
  return role == Role::assistant ? "assistant" : "user";
}

std::optional<Role> role_from(const std::string& name) {
  if (name == "user")
    return Role::user;
  if (name == "assistant")
    return Role::assistant;
  return std::nullopt;
}

[[noreturn]] void fail(
    const std::filesystem::path& path, const std::string& what) {
  throw Error(ErrorCode::corrupt, path.string() + ": " + what);
}

// A text field, "" when it is absent.
std::string text_of(
    const Json& object,
    const char* key,
    const std::filesystem::path& path,
    const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end())
    return "";
  if (!found->is_string())
    fail(
        path,
        fmt::format(
            "{}{}: found {}, expected a string", where, key, found->dump()));
  return found->get<std::string>();
}

}  // namespace

std::vector<Message> Conversation::prompt() const {
  std::vector<Message> all;
  if (!system.empty())
    all.push_back({Role::system, system});
  all.insert(all.end(), messages.begin(), messages.end());
  return all;
}

void save_conversation(
    const Conversation& conversation, const std::filesystem::path& path) {
  Json out = {{"format", kFormat}, {"system", conversation.system}};
  out["messages"] = Json::array();
  for (const Message& message : conversation.messages) {
    Json entry = {
        {"role", role_name(message.role)}, {"content", message.content}};
    if (!message.reasoning.empty())
      entry["reasoning_content"] = message.reasoning;
    out["messages"].push_back(std::move(entry));
  }
  AtomicFile file(path);
  file.write(out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  file.commit();
}

Conversation load_conversation(const std::filesystem::path& path) {
  const std::string text = read_text(path);
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || json.value("format", Json()) != Json(kFormat))
    fail(
        path,
        fmt::format(
            "expected a JSON object with \"format\": \"{}\": this is not a "
            "saved conversation",
            kFormat));
  Conversation conversation;
  conversation.system = text_of(json, "system", path, "");
  const Json messages = json.value("messages", Json());
  if (!messages.is_array())
    fail(path, "messages: expected an array");
  for (size_t i = 0; i < messages.size(); ++i) {
    const std::string where = fmt::format("messages[{}].", i);
    if (!messages[i].is_object())
      fail(path, fmt::format("messages[{}]: expected an object", i));
    const std::string role = text_of(messages[i], "role", path, where);
    const std::optional<Role> known = role_from(role);
    if (!known)
      fail(
          path,
          fmt::format(
              "{}role: found \"{}\", expected user or assistant", where, role));
    conversation.messages.push_back(
        {.role = *known,
         .content = text_of(messages[i], "content", path, where),
         .reasoning = text_of(messages[i], "reasoning_content", path, where)});
  }
  return conversation;
}

}  // namespace hadal::cli
