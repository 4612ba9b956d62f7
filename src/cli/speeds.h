// How fast an answer was made: a line on stderr, and numbers in JSON.
#pragma once

#include <string>

#include "hadal/generate.h"

namespace hadal::cli {

// "prompt 212 tokens (180 reused) 845/s, answer 57 tokens 96.2/s"
std::string speed_line(const Summary& summary);

// Tokens computed in the prompt, and made in the answer, a second; 0 when there
// is nothing to divide.
double prompt_tokens_per_second(const Summary& summary);
double answer_tokens_per_second(const Summary& summary);

}  // namespace hadal::cli
