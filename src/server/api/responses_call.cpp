// From chat events to items and events. What is sent stands in
// responses_events.cpp.
#include "server/api/responses_call.h"

#include <utility>

#include "base/check.h"

namespace hadal {

using Kind = OutputItem::Kind;
using Status = OutputItem::Status;

ResponsesCall::ResponsesCall(
    ResponseSettings settings, const ServedModel& served, OwnResponses store)
    : settings_(std::move(settings)),
      sources_(served.sources),
      store_(std::move(store)),
      logprobs_(served.tokenizer) {}

std::string ResponsesCall::begin() {
  if (!settings_.stream)
    return {};
  std::string response = response_json("in_progress", "null");
  send_response("response.created", response);
  send_response("response.in_progress", response);
  return std::exchange(pending_, {});
}

std::string ResponsesCall::update(
    size_t /*choice*/,
    std::span<const ChatEvent> events,
    std::span<const TokenInfo> tokens) {
  if (settings_.forms.logprobs)
    logprobs_.add(tokens);
  bool has_text = false;
  for (const ChatEvent& event : events) {
    has_text = has_text || event.kind == ChatEvent::Kind::content;
    take(event);
  }
  if (!events.empty() && !has_text)
    logprobs_.clear();
  if (!pending_.empty())
    quiet_ = 0;
  return std::exchange(pending_, {});
}

void ResponsesCall::take(const ChatEvent& event) {
  switch (event.kind) {
    case ChatEvent::Kind::reasoning:
      take_text(Kind::reasoning, event.text);
      break;
    case ChatEvent::Kind::content:
      take_text(Kind::message, event.text);
      break;
    case ChatEvent::Kind::tool_call_begin:
      open_call(event);
      break;
    case ChatEvent::Kind::tool_call_arguments: {
      HADAL_CHECK(open_);
      OutputItem& call = items_.back();
      std::string text =
          call.kind == Kind::custom_call ? input_.push(event.text) : event.text;
      call.text += text;
      send_delta(text, "");
      break;
    }
    case ChatEvent::Kind::tool_call_end: {
      HADAL_CHECK(open_);
      OutputItem& call = items_.back();
      if (call.kind == Kind::custom_call) {
        std::string text = input_.finish();
        call.text += text;
        send_delta(text, "");
      }
      close(Status::completed);
      break;
    }
  }
}

void ResponsesCall::take_text(OutputItem::Kind kind, const std::string& text) {
  if (open_ && items_.back().kind != kind)
    close(Status::completed);
  if (!open_) {
    OutputItem item;
    item.kind = kind;
    open(std::move(item));
  }
  OutputItem& item = items_.back();
  item.text += text;
  std::string logprobs;
  if (kind == Kind::message && settings_.forms.logprobs) {
    logprobs = logprobs_.take(text);
    if (!item.logprobs.empty() && !logprobs.empty())
      item.logprobs += ',';
    item.logprobs += logprobs;
  }
  send_delta(text, logprobs);
}

void ResponsesCall::open_call(const ChatEvent& event) {
  if (open_)
    close(Status::completed);
  OutputItem item;
  item.kind = Kind::function_call;
  item.call_id = event.id;
  item.name = event.name;
  // The model may call what nobody offered: the client decides.
  auto known = settings_.tools.by_name.find(event.name);
  if (known != settings_.tools.by_name.end()) {
    item.name = known->second.name;
    item.name_space = known->second.name_space;
    if (known->second.custom)
      item.kind = Kind::custom_call;
  }
  input_ = CustomInput();
  open(std::move(item));
}

void ResponsesCall::open(OutputItem item) {
  item.id = sources_.make_id(id_prefix(item.kind));
  items_.push_back(std::move(item));
  open_ = true;
  send_item("response.output_item.added");
  send_part_added();
}

void ResponsesCall::close(OutputItem::Status status) {
  send_ends();
  items_.back().status = status;
  send_item("response.output_item.done");
  open_ = false;
}

// A call without its end must not look like one that may be run: a client that
// follows the stream gets no "done" of it, and others do not see it.
void ResponsesCall::cut_call() {
  open_ = false;
  if (settings_.stream)
    items_.back().status = Status::incomplete;
  else
    items_.pop_back();
}

std::string ResponsesCall::end_choice(size_t /*choice*/, const ChoiceEnd& end) {
  end_ = end;
  if (open_) {
    Kind kind = items_.back().kind;
    if (kind == Kind::reasoning)
      close(end.inside_reasoning ? Status::incomplete : Status::completed);
    else if (kind == Kind::message)
      close(
          end.finish == ChatFinish::length ? Status::incomplete
                                           : Status::completed);
    else
      cut_call();
  }
  return std::exchange(pending_, {});
}

std::string ResponsesCall::finish() {
  HADAL_CHECK(end_.has_value());
  bool cut = end_->finish == ChatFinish::length;
  std::string body = response_json(cut ? "incomplete" : "completed", "null");
  keep(body);
  if (!settings_.stream)
    return body;
  send_response(cut ? "response.incomplete" : "response.completed", body);
  return std::exchange(pending_, {});
}

void ResponsesCall::keep(const std::string& body) {
  if (!settings_.store)
    return;
  auto turn = std::make_shared<ResponseTurn>();
  turn->input = std::move(settings_.input);
  for (const OutputItem& item : items_) {
    bool call =
        item.kind == Kind::function_call || item.kind == Kind::custom_call;
    if (call && item.status != Status::completed)
      continue;
    turn->output.items().push_back(
        parse_json(item_json(item, settings_.forms)).value());
  }
  StoredResponse response;
  response.id = settings_.id;
  response.body = body;
  response.turns = std::move(settings_.earlier_turns);
  response.turns.push_back(std::move(turn));
  store_.put(std::move(response));
}

}  // namespace hadal
