// Finding the control tokens.
#include "server/api/control_tokens.h"

#include <algorithm>
#include <string>

#include "text/prompt_format.h"

namespace hadal {

ControlTokens find_control_tokens(const Tokenizer& tokenizer) {
  auto find = [&](std::string_view spelling) {
    return tokenizer.find(spelling).value_or(-1);
  };
  ControlTokens control;
  control.bos = tokenizer.bos_id();
  control.eos = tokenizer.eos_id();
  control.pad = tokenizer.pad_id();
  control.user = find(kUserToken);
  control.assistant = find(kAssistantToken);
  control.think_open = find(kThinkOpen);
  control.think_close = find(kThinkClose);
  control.forced_think_close = tokenizer.encode(
      std::string("\n").append(kThinkClose), SpecialTokens::recognised);
  for (int32_t id :
       {control.eos, control.bos, control.pad, control.user, control.assistant})
    if (id >= 0 &&
        std::find(control.end_tokens.begin(), control.end_tokens.end(), id) ==
            control.end_tokens.end())
      control.end_tokens.push_back(id);
  return control;
}

}  // namespace hadal
