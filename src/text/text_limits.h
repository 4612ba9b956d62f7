// The named limits of the text layer. Each has a test at its border.
#pragma once

#include <cstddef>

#include "base/limits.h"

namespace hadal {

// JSON: arrays and objects inside each other. The reader recurses, so this also
// bounds its stack.
inline constexpr size_t kMaxJsonDepth = 512;
// JSON: bytes of one document, and so of any string in it.
inline constexpr size_t kMaxJsonBytes = size_t{256} << 20;

// Requests: one message text, or one argument value.
inline constexpr size_t kMaxMessageBytes = size_t{100} << 20;
inline constexpr size_t kMaxMessages = 100'000;
inline constexpr size_t kMaxTools = 4'096;
inline constexpr size_t kMaxToolNameBytes = 128;

// Output parser: text between the start of a tool block and its first call.
// Beyond it the block was a quotation, and its text is given back.
inline constexpr size_t kMaxBlockPreambleBytes = 2'048;
// Output parser: one tag with its attributes. A longer one is plain text.
inline constexpr size_t kMaxTagBytes = 1'024;
// Output parser: calls in one answer; the block ends after the last.
inline constexpr int kMaxToolCalls = 1'024;

}  // namespace hadal
