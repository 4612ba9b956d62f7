// A text cut into what a model is measured on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "hadal/tokenizer.h"

namespace hadal::cli {

// Documents begin with the BOS token, which may be spelled in the text; each is
// cut into windows of at most `tokens` ids, and every window begins with BOS.
// Control tokens are recognised. Windows of fewer than 2 ids are left out.
std::vector<std::vector<int32_t>> text_windows(
    const Tokenizer& tokenizer, const std::string& text, int64_t tokens);

// The texts that come with the program, conversations of the nano model's kind:
// one to measure on, another one for calibration.
std::filesystem::path bundled_text(bool calibration = false);

}  // namespace hadal::cli
