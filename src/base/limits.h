// Every limit of the program by name. Input beyond one is refused with an error
// that names it; nothing is cut silently.
#pragma once

#include <cstdint>

namespace hadal {

// Files.
inline constexpr uint64_t kMaxSafetensorsHeaderBytes = 100'000'000;
inline constexpr uint64_t kMaxConfigBytes = 16 << 20;      // config.json
inline constexpr uint64_t kMaxTokenizerBytes = 256 << 20;  // tokenizer.json
inline constexpr uint64_t kMaxPromptBytes = 64 << 20;      // files and stdin

// Structures in text that others wrote.
inline constexpr int kMaxJsonDepth = 256;

// Requests.
inline constexpr int kMaxStopStrings = 16;
inline constexpr int kMaxStopStringBytes = 1024;
inline constexpr int kMaxLogprobs = 100;
inline constexpr int kMaxThreads = 1024;

// The chat verb.
inline constexpr int kMaxHistoryLines = 1000;

}  // namespace hadal
