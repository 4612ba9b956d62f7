// The shortest useful program: loads a model and prints an answer as it comes.
//
//   first_answer [MODEL]
#include <iostream>

#include "hadal/hadal.h"

int main(int argc, char** argv) {
  const std::string checkpoint = argc > 1 ? argv[1] : "";
  try {
    // README begin
    const auto model = hadal::Model::load({.checkpoint = checkpoint});
    const auto tokenizer = hadal::Tokenizer::load(model.info().directory);
    hadal::Session session(model);

    const hadal::Message question{
        hadal::Role::user, "What is the capital of Norway?"};
    const auto prompt = tokenizer.encode(hadal::encode_chat(
        {&question, 1}, {.thinking = hadal::Thinking::none}));
    const auto show = [](const hadal::Step& step) {
      std::cout << step.text << std::flush;
      return hadal::Continue::yes;
    };
    hadal::generate(
        session, tokenizer, prompt, {.sampling = {.temperature = 0}}, show);
    // README end
    std::cout << '\n';
  } catch (const hadal::Error& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 1;
  }
}
