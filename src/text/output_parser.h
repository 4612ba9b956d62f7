// The tolerant output parser: a state machine over the characters of the
// model's output (spec/text.md 3.3 to 3.5; hadal/chat.h is its public face).
//
// Every state decides on the characters so far alone, and text is held back
// exactly while it may still become markup. So the result does not depend on
// how the output was cut.
//
//   reasoning --</think>--> content --block opening--> block --invoke--> call
//   call --parameter--> value --closing tag--> call --closing tag--> block
//   block --closing tag--> finished
//
// A block in which no call is found is given back as the text it was.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hadal/chat.h"
#include "text/call_arguments.h"
#include "text/json_value.h"
#include "text/output_tags.h"
#include "text/stop_scanner.h"
#include "text/utf8.h"

namespace hadal {

class OutputParser {
 public:
  // `tools` are the function objects of the tools offered; options.tools is not
  // read.
  OutputParser(ChatParserOptions options, std::vector<JsonValue> tools);

  OutputParser(const OutputParser&) = delete;
  OutputParser& operator=(const OutputParser&) = delete;

  std::vector<ChatEvent> push(std::string_view bytes);
  ChatEnd finish(OutputEnd end);

  bool done() const { return stopped_ || state_ == State::finished; }
  int unparsed_blocks() const { return unparsed_blocks_; }
  // The stop string that ended the answer; empty when none did.
  const std::string& stop_string() const { return stops_.found_text(); }
  // Whether the next text would be reasoning. Meaningful before finish.
  bool in_reasoning() const { return state_ == State::reasoning; }

 private:
  enum class State {
    reasoning,
    content,
    block,      // inside a block, outside a call
    call,       // inside a call, outside a value
    value,      // a parameter's text
    value_end,  // the rest of its closing tag
    json_body,  // a call whose body is one JSON object
    finished,
  };

  // Characters, one by one. Texts given back are read again from `input_`.
  void feed(std::string_view characters);
  void drain();
  void put_back(std::string_view text);
  void watch_end_of_sentence(std::string_view character);
  void step(std::string_view character);

  // output_parser.cpp: reasoning and content.
  void text_step(std::string_view character);
  void resolve_candidate();
  bool match_think_tags();
  bool is_quotation(const BlockOpening& opening) const;
  void release_candidate();
  void add_text(std::string_view text);
  void flush_newlines();
  void flush_text();
  void enter_block(const BlockOpening& opening);

  // output_parser_calls.cpp: blocks, calls, values.
  void block_step(std::string_view character);
  void block_tag(const CallTag& tag);
  void close_block();
  void give_back_block();
  bool is_cut_block() const;
  void begin_call(const CallTag& tag);
  void call_step(std::string_view character);
  void call_tag(const CallTag& tag);
  void value_step(std::string_view character);
  void value_end_step(std::string_view character);
  void end_value();
  void json_body_step(std::string_view character);
  void end_json_body(std::string_view text);
  void end_call();
  void limit_scan();
  const JsonValue* find_tool(std::string_view name) const;

  void finish_input();
  void finish_calls(OutputEnd end);
  void emit(ChatEvent::Kind kind, std::string text);

  const ChatParserOptions options_;
  const std::vector<JsonValue> tools_;

  Utf8Stream utf8_;
  std::string sentence_end_;  // what may become the end-of-sentence token
  std::string input_;
  size_t input_at_ = 0;
  std::vector<ChatEvent> events_;

  State state_ = State::content;
  bool stopped_ = false;  // by a stop string or the end-of-sentence token

  // Reasoning and content.
  bool at_start_;  // no text of this state yet
  bool line_start_;
  bool quotes_markup_ = false;  // the reasoning shows the opening of a block
  size_t newlines_ = 0;         // held: they belong to what follows
  std::string candidate_;       // held: '<' and what may become a tag
  StopScanner stops_;

  // Blocks and calls.
  State origin_ = State::content;  // where the block was opened
  std::string opening_;            // its first tag's beginning
  std::string preamble_;           // what followed, until the first call
  bool in_opening_tag_ = false;    // its '>' has not come yet
  bool needs_tag_ = false;         // a tag must follow at once
  bool has_other_text_ = false;
  bool is_bare_ = false;  // calls without a block around them
  std::string scan_;      // since the last tag that was understood
  bool plain_value_ = false;
  bool body_started_ = false;
  std::string body_;
  size_t body_tag_at_ = std::string::npos;  // the last '<' in it
  std::optional<CallArguments> arguments_;
  int calls_ = 0;           // begun
  int complete_calls_ = 0;  // ended
  bool cut_call_ = false;   // the output ended inside a call
  int unparsed_blocks_ = 0;
};

}  // namespace hadal
