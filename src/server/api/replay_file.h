// Generated turns on the disk, so that a conversation's calls are replayed
// after a restart, too: without them the saved prefixes that lie beside would
// not fit the prompts of clients that re-order keys (spec/text.md 4.7 rule 4).
//
// A table in SQLite: call id, turn, in which order they came. Rows are hashed;
// a damaged one is as good as none. Several servers may share the file. It
// holds what the model wrote, so it belongs into a folder of its owner alone.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "server/api/replay_turn.h"

namespace hadal {

// All calls from any thread.
class ReplayFile {
 public:
  // Opens or makes it. A file that SQLite cannot read is put aside under the
  // name FILE.damaged. Throws Error(io) when it cannot be made.
  ReplayFile(const std::filesystem::path& file, size_t max_bytes);
  // Writes what was put.
  ~ReplayFile();
  ReplayFile(const ReplayFile&) = delete;
  ReplayFile& operator=(const ReplayFile&) = delete;

  // Kept under the id of its first call, written in the background; the oldest
  // go. A burst beyond what can be written is left out.
  void put(const ReplayTurn& turn);
  // Also what is not written yet. Never throws for a fault of the file.
  std::optional<ReplayTurn> find(std::string_view id);

 private:
  struct Row {
    std::string id;
    std::string text;
  };
  class Database;
  void run();

  std::unique_ptr<Database> database_;
  mutable std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::deque<Row> queue_;
  bool stopping_ = false;
  std::thread writer_;  // last: it uses all of the above
};

// One line a field, each text in base64, behind a hash of it all.
std::string turn_text(const ReplayTurn& turn);
// Nothing for a text that is not whole.
std::optional<ReplayTurn> parse_turn(std::string_view text);

}  // namespace hadal
