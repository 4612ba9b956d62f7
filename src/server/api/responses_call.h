// The answer of one Responses request: items, streamed as events in the order
// of spec/text.md 4.5, or whole.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/api/api_call.h"
#include "server/api/response_store.h"
#include "server/api/responses_custom_input.h"
#include "server/api/responses_logprobs.h"
#include "server/api/responses_output.h"
#include "server/api/responses_tools.h"
#include "server/api/served_model.h"

namespace hadal {

// What the answer needs to know of its request.
struct ResponseSettings {
  std::string id;  // "resp_..."
  std::string model;
  int64_t created = 0;  // Unix time
  bool stream = false;
  bool store = true;
  ResponseForms forms;
  // Members of the response object that repeat the request, as JSON.
  std::string echo;
  ResponseTools tools;
  // What the stored response goes on from, and what this request added.
  std::vector<std::shared_ptr<const ResponseTurn>> earlier_turns;
  JsonValue input = JsonValue::array({});
};

class ResponsesCall : public ApiCall {
 public:
  // `served`, and what `store` shows, outlive the call.
  ResponsesCall(
      ResponseSettings settings, const ServedModel& served, OwnResponses store);

  bool streams() const override { return settings_.stream; }
  std::string begin() override;
  std::string update(
      size_t choice,
      std::span<const ChatEvent> events,
      std::span<const TokenInfo> tokens) override;
  std::string end_choice(size_t choice, const ChoiceEnd& end) override;
  std::string finish() override;
  std::string fail(const ApiError& error) override;
  std::string keep_alive(int64_t done, int64_t total) override;

 private:
  void take(const ChatEvent& event);
  void take_text(OutputItem::Kind kind, const std::string& text);
  void open_call(const ChatEvent& event);
  void open(OutputItem item);
  // The last item, complete or not.
  void close(OutputItem::Status status);
  void cut_call();

  // Events go to pending_, and nowhere without streaming.
  void send(std::string_view type, std::string_view members);
  void send_response(std::string_view type, std::string_view response);
  void send_item(std::string_view type);
  // A part of the last item, or a change of it: `members` follow its place.
  void send_part(std::string_view type, std::string_view members);
  void send_part_added();
  void send_delta(std::string_view text, std::string_view logprobs);
  void send_ends();

  std::string response_json(
      std::string_view status, std::string_view failure) const;
  std::string usage_json() const;
  void keep(const std::string& body);

  ResponseSettings settings_;
  const ApiSources& sources_;
  const OwnResponses store_;

  std::vector<OutputItem> items_;
  bool open_ = false;  // the last item is in progress
  CustomInput input_;  // of the last custom call
  ResponsesLogprobs logprobs_;
  std::optional<ChoiceEnd> end_;
  int64_t sequence_ = 0;
  int quiet_ = 0;  // keep-alives since something was sent
  std::string pending_;
};

}  // namespace hadal
