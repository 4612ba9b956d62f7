// Limits of the program that belong to no single folder, by name. Input beyond
// one is refused with an error that names it; nothing is cut silently. Folders
// keep their own beside their code: text/text_limits.h, checkpoint/.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hadal {

// A prompt from a file or from standard input.
inline constexpr uint64_t kMaxPromptBytes = 64 << 20;
// Texts that end an answer.
inline constexpr size_t kMaxStopStrings = 16;
// Alternatives reported for a token.
inline constexpr int kMaxLogprobs = 100;
inline constexpr int kMaxThreads = 1024;
// Lines that `hadal chat` remembers.
inline constexpr int kMaxHistoryLines = 1000;

}  // namespace hadal
