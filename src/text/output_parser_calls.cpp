// The states of tool calls: blocks, calls, values.
#include <utility>

#include "text/output_parser.h"

namespace hadal {
namespace {

bool is_space(std::string_view character) {
  return character == " " || character == "\n" || character == "\t" ||
         character == "\r";
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \n\t\r") == std::string_view::npos;
}

}  // namespace

void OutputParser::block_step(std::string_view character) {
  if (calls_ == 0) {
    preamble_ += character;
    if (preamble_.size() > kMaxBlockPreambleBytes)
      return give_back_block();
  }
  if (in_opening_tag_) {
    // A missing '>' is forgiven when the next tag starts.
    if (character == "<")
      in_opening_tag_ = false;
    if (character == ">") {
      in_opening_tag_ = false;
      return;
    }
    if (in_opening_tag_)
      return;
  }
  bool starts_text = is_blank(scan_) && !is_space(character);
  if (starts_text && needs_tag_ && character != "<")
    return give_back_block();
  if (starts_text)
    needs_tag_ = false;
  // Without a block around them, calls end where other text begins.
  if (starts_text && is_bare_ && calls_ > 0 && character != "<") {
    state_ = State::finished;
    return;
  }
  scan_ += character;
  if (character == ">") {
    CallTag tag = classify_tag(scan_);
    if (tag.kind == CallTag::Kind::other)
      has_other_text_ = true;
    else
      block_tag(tag);
  }
  limit_scan();
}

void OutputParser::block_tag(const CallTag& tag) {
  if (!is_blank(std::string_view(scan_).substr(0, tag.start)))
    has_other_text_ = true;
  switch (tag.kind) {
    case CallTag::Kind::invoke_open:
      return begin_call(tag);
    case CallTag::Kind::block_close:
      return close_block();
    case CallTag::Kind::block_open:
      // A repeated opening is harmless; behind text it is the real one.
      if (calls_ == 0 && has_other_text_)
        return give_back_block();
      break;
    case CallTag::Kind::think_close:
      if (calls_ == 0 && origin_ == State::reasoning)
        return give_back_block();
      break;
    case CallTag::Kind::invoke_close:
    case CallTag::Kind::parameter_open:
    case CallTag::Kind::parameter_close:
    case CallTag::Kind::other:
      has_other_text_ = true;
      break;
  }
  scan_.clear();
}

void OutputParser::close_block() {
  if (calls_ > 0) {
    state_ = State::finished;
  } else if (has_other_text_) {
    give_back_block();
  } else {
    // An empty block: as if it had not been there.
    state_ = origin_;
    newlines_ = 0;
    scan_.clear();
  }
}

void OutputParser::give_back_block() {
  ++unparsed_blocks_;
  state_ = origin_;
  scan_.clear();
  std::string opening = std::exchange(opening_, "");
  std::string preamble = std::exchange(preamble_, "");
  if (!opening.empty())
    add_text(opening);
  put_back(preamble);
}

// Whether the output ended before it was clear what the block holds.
bool OutputParser::is_cut_block() const {
  if (has_other_text_)
    return false;
  if (in_opening_tag_)
    return is_blank(preamble_);
  return is_cut_invoke(scan_);
}

const JsonValue* OutputParser::find_tool(std::string_view name) const {
  for (const JsonValue& tool : tools_) {
    const JsonValue* known = tool.find("name");
    if (known != nullptr && known->is_string() && known->as_string() == name)
      return &tool;
  }
  return nullptr;
}

void OutputParser::begin_call(const CallTag& tag) {
  if (calls_ == 0) {
    preamble_.clear();
    if (origin_ == State::content)
      emit(ChatEvent::Kind::content, stops_.flush());
  }
  newlines_ = 0;
  ChatEvent event;
  event.kind = ChatEvent::Kind::tool_call_begin;
  event.call = calls_++;
  event.id = options_.make_call_id();
  event.name = tag.name;
  events_.push_back(std::move(event));
  arguments_.emplace(find_tool(tag.name), options_.coerce_arguments);
  scan_.clear();
  body_started_ = false;
  state_ = State::call;
  if (tag.self_closing)
    end_call();
}

void OutputParser::call_step(std::string_view character) {
  if (!body_started_ && !is_space(character)) {
    body_started_ = true;
    if (character == "{") {
      body_ = "{";
      body_tag_at_ = std::string::npos;
      state_ = State::json_body;
      return;
    }
  }
  scan_ += character;
  if (character == ">")
    call_tag(classify_tag(scan_));
  limit_scan();
}

void OutputParser::call_tag(const CallTag& tag) {
  switch (tag.kind) {
    case CallTag::Kind::parameter_open:
      emit(
          ChatEvent::Kind::tool_call_arguments,
          arguments_->begin_parameter(tag.name, tag.is_string));
      plain_value_ = !tag.has_marker;
      candidate_.clear();
      state_ = State::value;
      if (tag.self_closing)
        end_value();
      break;
    case CallTag::Kind::invoke_close:
      return end_call();
    case CallTag::Kind::block_close:
      end_call();
      state_ = State::finished;
      return;
    case CallTag::Kind::invoke_open:
      // The closing tag before it is missing.
      end_call();
      if (state_ != State::finished)
        begin_call(tag);
      return;
    case CallTag::Kind::block_open:
    case CallTag::Kind::parameter_close:
    case CallTag::Kind::think_close:
      break;
    case CallTag::Kind::other:
      return;
  }
  scan_.clear();
}

void OutputParser::value_step(std::string_view character) {
  if (candidate_.empty() && character != "<") {
    emit(
        ChatEvent::Kind::tool_call_arguments, arguments_->add_value(character));
    return;
  }
  candidate_ += character;
  TagMatch match = match_value_end(candidate_, plain_value_);
  if (match == TagMatch::partial)
    return;
  if (match == TagMatch::full) {
    scan_ = std::exchange(candidate_, "");
    state_ = State::value_end;
    if (scan_.ends_with('>'))
      end_value();
    return;
  }
  // Only the last character can start another closing tag.
  candidate_.resize(candidate_.size() - character.size());
  emit(ChatEvent::Kind::tool_call_arguments, arguments_->add_value(candidate_));
  candidate_.clear();
  put_back(std::string(character));
}

void OutputParser::value_end_step(std::string_view character) {
  // A missing '>' is forgiven when the next tag starts.
  if (character == "<") {
    end_value();
    put_back("<");
    return;
  }
  scan_ += character;
  if (character == ">" || scan_.size() > kMaxTagBytes)
    end_value();
}

// The closing tag may also be that of the call or the block.
void OutputParser::end_value() {
  emit(ChatEvent::Kind::tool_call_arguments, arguments_->end_parameter());
  CallTag tag = classify_tag(std::exchange(scan_, ""));
  state_ = State::call;
  if (tag.kind == CallTag::Kind::invoke_close) {
    end_call();
  } else if (tag.kind == CallTag::Kind::block_close) {
    end_call();
    state_ = State::finished;
  }
}

void OutputParser::json_body_step(std::string_view character) {
  if (character == "<")
    body_tag_at_ = body_.size();
  body_ += character;
  size_t start = body_tag_at_;
  if (character != ">" || start == std::string::npos ||
      body_.size() - start > kMaxTagBytes)
    return;
  CallTag tag = classify_tag(std::string_view(body_).substr(start));
  bool ends = tag.kind == CallTag::Kind::invoke_close ||
              tag.kind == CallTag::Kind::block_close ||
              tag.kind == CallTag::Kind::invoke_open;
  if (!ends)
    return;
  end_json_body(std::string_view(body_).substr(0, start));
  if (tag.kind == CallTag::Kind::block_close)
    state_ = State::finished;
  else if (tag.kind == CallTag::Kind::invoke_open && state_ == State::block)
    begin_call(tag);
}

void OutputParser::end_json_body(std::string_view text) {
  emit(ChatEvent::Kind::tool_call_arguments, arguments_->whole_body(text));
  arguments_.reset();
  end_call();
}

void OutputParser::end_call() {
  if (arguments_)
    emit(ChatEvent::Kind::tool_call_arguments, arguments_->end());
  arguments_.reset();
  ChatEvent event;
  event.kind = ChatEvent::Kind::tool_call_end;
  event.call = calls_ - 1;
  events_.push_back(std::move(event));
  ++complete_calls_;
  scan_.clear();
  bool last = options_.single_call || calls_ >= kMaxToolCalls;
  state_ = last ? State::finished : State::block;
}

// Keeps what is scanned for a tag within the size of one.
void OutputParser::limit_scan() {
  if (scan_.size() <= kMaxTagBytes)
    return;
  has_other_text_ = true;
  size_t start = scan_.rfind('<');
  if (start == std::string::npos || start == 0)
    scan_.clear();
  else
    scan_.erase(0, start);
}

// The end of the output within a block. When the model stopped by itself, what
// it began is complete; when it was cut, the call is not.
void OutputParser::finish_calls(OutputEnd end) {
  bool inside = state_ == State::call || state_ == State::value ||
                state_ == State::value_end || state_ == State::json_body;
  bool cut_tag = state_ == State::block && calls_ > 0 && !is_blank(scan_);
  if (end == OutputEnd::length) {
    cut_call_ = inside || cut_tag;
    return;
  }
  if (!inside)
    return;
  if (state_ == State::json_body)
    return end_json_body(std::exchange(body_, ""));
  if (state_ == State::value)
    emit(
        ChatEvent::Kind::tool_call_arguments,
        arguments_->add_value(std::exchange(candidate_, "")));
  if (state_ != State::call)
    emit(ChatEvent::Kind::tool_call_arguments, arguments_->end_parameter());
  end_call();
}

}  // namespace hadal
