#include "cli/answer_printer.h"

#include <unistd.h>

#include <iostream>

namespace hadal::cli {
namespace {

constexpr std::string_view kDim = "\x1b[2m";
constexpr std::string_view kPlain = "\x1b[0m";

}  // namespace

AnswerPrinter::AnswerPrinter(const ChatParserOptions& options, bool silent)
    : parser_(options), silent_(silent), dim_(::isatty(STDERR_FILENO) == 1) {}

AnswerPrinter::AnswerPrinter(bool silent)
    : silent_(silent), dim_(::isatty(STDERR_FILENO) == 1) {}

void AnswerPrinter::push(std::string_view text) {
  if (!parser_) {
    answer_.content += text;
    write(Stream::answer, text);
    return;
  }
  const std::vector<ChatEvent> events = parser_->push(text);
  builder_.add(events);
  for (const ChatEvent& event : events)
    show(event);
}

void AnswerPrinter::push(const ChatEvent& event) {
  builder_.add({&event, 1});
  show(event);
}

void AnswerPrinter::finish(ChatFinish reason) {
  answer_ = builder_.take(reason);
  end_line();
}

void AnswerPrinter::finish(FinishReason reason) {
  if (parser_) {
    const ChatEnd end = parser_->finish(
        reason == FinishReason::stop ? OutputEnd::stop : OutputEnd::length);
    builder_.add(end.events);
    for (const ChatEvent& event : end.events)
      show(event);
    answer_ = builder_.take(end.finish);
  }
  end_line();
}

void AnswerPrinter::show(const ChatEvent& event) {
  switch (event.kind) {
    case ChatEvent::Kind::reasoning:
      write(Stream::talk, event.text);
      break;
    case ChatEvent::Kind::content:
      write(Stream::answer, event.text);
      break;
    case ChatEvent::Kind::tool_call_begin:
      end_line();
      write(Stream::talk, "calls " + event.name + " ");
      break;
    case ChatEvent::Kind::tool_call_arguments:
      write(Stream::talk, event.text);
      break;
    case ChatEvent::Kind::tool_call_end:
      end_line();
      break;
  }
}

void AnswerPrinter::write(Stream stream, std::string_view text) {
  if (silent_ || text.empty())
    return;
  if (last_ != stream)
    end_line();
  last_ = stream;
  at_line_start_ = text.back() == '\n';
  if (stream == Stream::answer)
    std::cout << text << std::flush;
  else if (dim_)
    std::cerr << kDim << text << kPlain << std::flush;
  else
    std::cerr << text << std::flush;
}

void AnswerPrinter::end_line() {
  if (at_line_start_ || silent_)
    return;
  at_line_start_ = true;
  (last_ == Stream::answer ? std::cout : std::cerr) << '\n' << std::flush;
}

}  // namespace hadal::cli
