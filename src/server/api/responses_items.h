// The items of a Responses request as chat messages (spec/text.md 4.5).
//
// A model's turn is several items (reasoning, a message, calls) that become one
// assistant message:
// - reasoning waits for the next message or call of the assistant; where a
//   user's message or an output comes first, it is a message of its own;
// - a call joins the assistant's message directly before it;
// - what is not known is skipped, and does not end a turn.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/api/response_store.h"
#include "text/request_messages.h"

namespace hadal {

class ResponseItemReader {
 public:
  // Options and warnings outlive the reader. `store` resolves references to
  // earlier items.
  ResponseItemReader(
      const RequestOptions& options,
      OwnResponses store,
      std::vector<std::string>& warnings)
      : options_(options), store_(std::move(store)), warnings_(warnings) {}

  // Adds a system text in front of the items.
  void add_instructions(const std::string& text);
  // Reads one item that stands at `path`, the `index`th of the request. Throws
  // RequestError.
  void add(const JsonValue& item, const std::string& path, size_t index);
  // The end of the items.
  std::vector<RequestMessage> take();

  // Whether any item was reasoning.
  bool has_reasoning() const { return has_reasoning_; }
  // The last item is a part of an answer that was cut: it is to be continued.
  bool ends_incomplete() const { return ends_incomplete_; }

 private:
  void add_typed(
      const JsonValue& item, const std::string& type, const std::string& path);
  void add_message(const JsonValue& item, const std::string& path);
  void add_reasoning(const JsonValue& item, const std::string& path);
  void add_function_call(const JsonValue& item, const std::string& path);
  void add_custom_call(const JsonValue& item, const std::string& path);
  void add_hosted_call(
      const JsonValue& item, const std::string& type, const std::string& path);
  void add_output(const JsonValue& item, const std::string& path);
  void add_reference(const JsonValue& item, const std::string& path);

  // The assistant's message that the next call joins.
  ChatMessage& open_turn();
  void append_call(std::string id, std::string name, JsonValue arguments);
  void append(ChatRole role, std::string role_name, std::string content);
  void flush_reasoning();

  const RequestOptions& options_;
  const OwnResponses store_;
  std::vector<std::string>& warnings_;
  std::vector<RequestMessage> messages_;
  std::string reasoning_;  // waits for its turn
  size_t index_ = 0;
  bool has_reasoning_ = false;
  bool ends_incomplete_ = false;
};

}  // namespace hadal
