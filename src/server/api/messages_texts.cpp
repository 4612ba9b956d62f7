// The texts of blocks: documents and results of searches included, other kinds
// by name.
#include "server/api/messages_texts.h"

#include <fmt/format.h>

#include "text/request_fields.h"

namespace hadal {
namespace {

constexpr std::string_view kBillingHeader = "x-anthropic-billing-header";

std::string document_text(const JsonValue& block, const std::string& path) {
  const JsonValue* source = object_field(block, path, "source");
  std::string at = member_path(path, "source");
  if (source == nullptr)
    refuse(at, "a document must have a source");
  std::string text;
  append_text(text, string_field(block, path, "title").value_or(""));
  append_text(text, string_field(block, path, "context").value_or(""));
  std::string type = string_field(*source, at, "type").value_or("");
  const JsonValue* content = field(*source, "content");
  if (type == "text")
    append_text(text, required_text(*source, at, "data"));
  else if (type == "content" && content != nullptr && content->is_string())
    append_text(text, content->as_string());
  else if (type == "content" && content != nullptr && content->is_array())
    append_text(text, blocks_text(*content, member_path(at, "content")));
  else
    append_text(text, "[Unsupported document]");
  return text;
}

std::string search_result_text(
    const JsonValue& block, const std::string& path) {
  std::string text;
  append_text(text, string_field(block, path, "title").value_or(""));
  append_text(text, string_field(block, path, "source").value_or(""));
  if (const JsonValue* content = array_field(block, path, "content"))
    append_text(text, blocks_text(*content, member_path(path, "content")));
  return text;
}

}  // namespace

void append_text(std::string& text, std::string_view more) {
  if (!text.empty() && !more.empty())
    text += "\n\n";
  text += more;
}

std::string required_type(const JsonValue& block, const std::string& path) {
  if (!block.is_object())
    refuse_type(path, "a content block", block);
  auto type = string_field(block, path, "type");
  if (!type)
    refuse(member_path(path, "type"), "a content block must have a type");
  return *type;
}

std::string required_text(
    const JsonValue& block, const std::string& path, std::string_view key) {
  auto text = string_field(block, path, key);
  if (!text)
    refuse(member_path(path, key), "it is missing");
  return *text;
}

std::string blocks_text(const JsonValue& list, const std::string& path) {
  std::string text;
  for (size_t i = 0; i < list.items().size(); ++i) {
    const JsonValue& block = list.items()[i];
    std::string at = item_path(path, i);
    if (i > 0)
      text += "\n\n";
    text += plain_block(block, required_type(block, at), at);
  }
  return text;
}

std::string plain_block(
    const JsonValue& block, const std::string& type, const std::string& path) {
  if (type == "text")
    return required_text(block, path, "text");
  if (type == "document")
    return document_text(block, path);
  if (type == "search_result")
    return search_result_text(block, path);
  return fmt::format("[Unsupported {}]", type);
}

std::string read_system(const JsonValue& body, bool strip_billing) {
  const JsonValue* system = field(body, "system");
  if (system == nullptr)
    return "";
  if (system->is_string())
    return system->as_string();
  if (!system->is_array())
    refuse_type("system", "a string or an array of text blocks", *system);
  std::string joined;
  for (size_t i = 0; i < system->items().size(); ++i) {
    const JsonValue& block = system->items()[i];
    std::string path = item_path("system", i);
    std::string type = required_type(block, path);
    if (type != "text")
      refuse(
          member_path(path, "type"),
          fmt::format("expected text, found '{}'", type));
    std::string text = required_text(block, path, "text");
    if (i == 0 && strip_billing && text.starts_with(kBillingHeader))
      continue;
    append_text(joined, text);
  }
  return joined;
}

}  // namespace hadal
