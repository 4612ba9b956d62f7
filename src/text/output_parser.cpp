// The text states: reasoning and content, and how characters reach the states.
#include "text/output_parser.h"

#include <random>

#include "text/prompt_format.h"

namespace hadal {
namespace {

std::string random_call_id() {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  constexpr int kRandomCharacters = 24;
  static thread_local std::mt19937_64 engine{std::random_device{}()};
  std::uniform_int_distribution<size_t> letter(0, kLetters.size() - 1);
  std::string id = "call_";
  for (int i = 0; i < kRandomCharacters; ++i)
    id += kLetters[letter(engine)];
  return id;
}

ChatParserOptions with_defaults(ChatParserOptions options) {
  if (!options.make_call_id)
    options.make_call_id = random_call_id;
  return options;
}

}  // namespace

OutputParser::OutputParser(
    ChatParserOptions options, std::vector<JsonValue> tools)
    : options_(with_defaults(std::move(options))),
      tools_(std::move(tools)),
      at_start_(!options_.continues_text),
      line_start_(!options_.continues_text),
      stops_(options_.stop) {
  using Start = ChatParserOptions::Start;
  if (options_.start == Start::reasoning)
    state_ = State::reasoning;
  else if (options_.start == Start::tool_block)
    state_ = State::block;
}

std::vector<ChatEvent> OutputParser::push(std::string_view bytes) {
  feed(utf8_.push(bytes));
  return std::exchange(events_, {});
}

void OutputParser::feed(std::string_view characters) {
  while (!characters.empty() && !stopped_) {
    size_t length = first_character(characters).length;
    watch_end_of_sentence(characters.substr(0, length));
    characters.remove_prefix(length);
  }
}

// The end-of-sentence token ends the output in every state, so it is watched
// before the states see the characters.
void OutputParser::watch_end_of_sentence(std::string_view character) {
  std::string held = sentence_end_ + std::string(character);
  if (held == kEndOfSentence) {
    sentence_end_.clear();
    stopped_ = true;
    return;
  }
  if (kEndOfSentence.starts_with(held)) {
    sentence_end_ = std::move(held);
    return;
  }
  input_ += sentence_end_;
  sentence_end_.clear();
  if (kEndOfSentence.starts_with(character))
    sentence_end_ = std::string(character);
  else
    input_ += character;
  drain();
}

void OutputParser::drain() {
  while (input_at_ < input_.size() && state_ != State::finished) {
    std::string_view rest = std::string_view(input_).substr(input_at_);
    std::string character(rest.substr(0, first_character(rest).length));
    input_at_ += character.size();
    step(character);
  }
  input_.clear();
  input_at_ = 0;
}

void OutputParser::put_back(std::string_view text) {
  input_.replace(0, input_at_, text);
  input_at_ = 0;
}

void OutputParser::step(std::string_view character) {
  switch (state_) {
    case State::reasoning:
    case State::content:
      return text_step(character);
    case State::block:
      return block_step(character);
    case State::call:
      return call_step(character);
    case State::value:
      return value_step(character);
    case State::value_end:
      return value_end_step(character);
    case State::json_body:
      return json_body_step(character);
    case State::finished:
      return;
  }
}

void OutputParser::text_step(std::string_view character) {
  if (!candidate_.empty()) {
    candidate_ += character;
    resolve_candidate();
  } else if (character == "<") {
    candidate_ = character;
  } else if (character == "\n") {
    line_start_ = true;
    if (!at_start_)
      ++newlines_;
  } else {
    add_text(character);
  }
}

void OutputParser::resolve_candidate() {
  if (match_think_tags())
    return;
  if (options_.tools_offered) {
    BlockOpening opening = match_block_opening(candidate_, line_start_);
    if (opening.match == TagMatch::partial)
      return;
    if (opening.match == TagMatch::full) {
      if (!is_quotation(opening))
        return enter_block(opening);
      quotes_markup_ = true;
    }
  }
  bool may_open = at_start_ && kThinkOpen.starts_with(candidate_);
  if (!may_open && !kThinkClose.starts_with(candidate_))
    release_candidate();
}

// While reasoning the model quotes the syntax: only what starts a line is
// meant, and calls without a block not behind a quoted opening. (Plain tags
// must start a line everywhere.)
bool OutputParser::is_quotation(const BlockOpening& opening) const {
  return state_ == State::reasoning &&
         (!line_start_ || (opening.is_call && quotes_markup_));
}

// True when the candidate was a whole tag.
bool OutputParser::match_think_tags() {
  if (candidate_ == kThinkClose) {
    candidate_.clear();
    // In content a stray tag is dropped.
    if (state_ == State::reasoning) {
      newlines_ = 0;
      state_ = State::content;
      at_start_ = line_start_ = true;
    }
    return true;
  }
  if (candidate_ == kThinkOpen && at_start_) {
    candidate_.clear();
    state_ = State::reasoning;
    newlines_ = 0;
    line_start_ = true;
    return true;
  }
  return false;
}

// The candidate is text after all. Only its last character can start another.
void OutputParser::release_candidate() {
  size_t last = candidate_.size() - 1;
  while ((static_cast<unsigned char>(candidate_[last]) & 0xC0) == 0x80)
    --last;
  std::string next = candidate_.substr(last);
  candidate_.resize(last);
  add_text(std::exchange(candidate_, ""));
  put_back(next);
}

void OutputParser::add_text(std::string_view text) {
  flush_newlines();
  at_start_ = line_start_ = false;
  if (state_ == State::reasoning) {
    emit(ChatEvent::Kind::reasoning, std::string(text));
    return;
  }
  if (state_ != State::content)
    return;
  emit(ChatEvent::Kind::content, stops_.push(text));
  if (stops_.found()) {
    state_ = State::finished;
    stopped_ = true;
  }
}

void OutputParser::flush_newlines() {
  if (newlines_ > 0) {
    std::string newlines(std::exchange(newlines_, 0), '\n');
    add_text(newlines);
  }
}

// The end of the output in a text state: nothing held becomes markup.
void OutputParser::flush_text() {
  flush_newlines();
  if (!candidate_.empty())
    add_text(std::exchange(candidate_, ""));
  if (state_ == State::content)
    emit(ChatEvent::Kind::content, stops_.flush());
}

void OutputParser::enter_block(const BlockOpening& opening) {
  origin_ = state_;
  opening_ = candidate_.substr(0, opening.length);
  std::string rest = candidate_.substr(opening.length);
  candidate_.clear();
  preamble_.clear();
  is_bare_ = opening.is_call;
  in_opening_tag_ = !opening.is_call;
  // Within a line the markup may be a quotation: then no tag follows it.
  needs_tag_ = !line_start_ && !opening.is_call;
  has_other_text_ = false;
  scan_ = opening.is_call ? opening_ : "";
  state_ = State::block;
  put_back(rest);
}

void OutputParser::emit(ChatEvent::Kind kind, std::string text) {
  if (text.empty())
    return;
  if (!events_.empty() && events_.back().kind == kind) {
    events_.back().text += text;
    return;
  }
  ChatEvent event;
  event.kind = kind;
  event.text = std::move(text);
  if (kind == ChatEvent::Kind::tool_call_arguments)
    event.call = calls_ - 1;
  events_.push_back(std::move(event));
}

// The last characters, and a block that was not closed.
void OutputParser::finish_input() {
  if (!stopped_) {
    feed(utf8_.finish());
    input_ += std::exchange(sentence_end_, "");
    drain();
  }
  while (state_ == State::block && calls_ == 0) {
    if (is_cut_block()) {
      state_ = origin_;
      newlines_ = 0;
      break;
    }
    give_back_block();
    drain();
  }
}

ChatEnd OutputParser::finish(OutputEnd end) {
  finish_input();
  if (stopped_)
    end = OutputEnd::stop;
  if (state_ == State::reasoning || state_ == State::content)
    flush_text();
  else
    finish_calls(end);
  ChatEnd result;
  if (end == OutputEnd::length && cut_call_)
    result.finish = ChatFinish::length;
  else if (complete_calls_ > 0)
    result.finish = ChatFinish::tool_calls;
  else if (end == OutputEnd::length && state_ != State::finished)
    result.finish = ChatFinish::length;
  state_ = State::finished;
  result.events = std::exchange(events_, {});
  return result;
}

}  // namespace hadal
