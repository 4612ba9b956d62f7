// Who reads how much of its prompt in the next step.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace hadal {

// A sequence whose prompt is being read.
struct PromptReader {
  std::string client;
  int64_t wanted = 0;  // tokens it could take now, at least 1
};

// Shares a step's prompt tokens out:
//   * clients get equal parts, and what one cannot use goes to the others;
//   * of a client's part, half goes to its oldest prompt and the rest to those
//     that need least, so that a short prompt passes a long one and the long
//     one still moves;
//   * a part is at least kLeastPart tokens; where there are too many clients
//     for that, they take turns.
class PromptShares {
 public:
  // `readers` by age, the oldest first. Returns tokens of each, at most what it
  // wants, in sum at most `budget` and, if there are readers, at least 1.
  std::vector<int64_t> share(
      std::span<const PromptReader> readers, int64_t budget);

  static constexpr int64_t kLeastPart = 32;

 private:
  std::string last_;  // the client that was first in the last turn
};

}  // namespace hadal
