// Two turns of one conversation: the session computes only what is new.
//
//   conversation [MODEL]
#include <iostream>
#include <string>
#include <vector>

#include "hadal/hadal.h"

namespace {

// Answers the last message; reasoning, content and tool calls come apart.
hadal::ChatAnswer answer(
    hadal::Session& session,
    const hadal::Tokenizer& tokenizer,
    const std::vector<hadal::Message>& messages,
    const hadal::ChatOptions& options) {
  hadal::ChatParser parser(hadal::parser_options(messages, options));
  hadal::ChatAnswerBuilder builder;
  const hadal::Summary summary = hadal::generate(
      session,
      tokenizer,
      tokenizer.encode(hadal::encode_chat(messages, options)),
      {.sampling = {.temperature = 0}},
      [&](const hadal::Step& step) {
        builder.add(parser.push(step.text));
        return hadal::Continue::yes;
      });
  const hadal::ChatEnd end = parser.finish(hadal::OutputEnd::stop);
  builder.add(end.events);
  std::cout << summary.prompt_tokens << " prompt tokens, "
            << summary.reused_tokens << " reused\n";
  return builder.take(end.finish);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto model =
        hadal::Model::load({.checkpoint = argc > 1 ? argv[1] : ""});
    const auto tokenizer = hadal::Tokenizer::load(model.info().directory);
    hadal::Session session(model);
    const hadal::ChatOptions options{.thinking = hadal::Thinking::none};

    std::vector<hadal::Message> messages;
    for (const char* question :
         {"What is the capital of Norway?", "What is 27 + 46?"}) {
      messages.push_back({hadal::Role::user, question});
      const hadal::ChatAnswer reply =
          answer(session, tokenizer, messages, options);
      std::cout << reply.content << '\n';
      messages.push_back(
          {.role = hadal::Role::assistant, .content = reply.content});
    }
  } catch (const hadal::Error& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 1;
  }
}
