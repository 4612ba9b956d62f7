#include "server/api/replay_file.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "engine/disk/sqlite_statement.h"
#include "hadal/error.h"

namespace hadal {
namespace {

constexpr int kBusyMilliseconds = 2'000;
constexpr size_t kQueueLength = 1'024;
// How many rows are written before old ones are looked for.
constexpr int kRowsBetweenChecks = 64;

// `number` counts turns, the latest is the highest.
constexpr const char* kTables = R"(
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS turns(
  id TEXT PRIMARY KEY,
  turn TEXT NOT NULL,
  number INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS turns_by_number ON turns(number);
)";
constexpr std::string_view kNext =
    "(SELECT coalesce(max(number), 0) + 1 FROM turns)";

}  // namespace

class ReplayFile::Database {
 public:
  Database(const std::filesystem::path& file, size_t max_bytes)
      : max_bytes_(static_cast<int64_t>(max_bytes)) {
    if (open(file))
      return;
    const std::filesystem::path aside = file.string() + ".damaged";
    log(LogLevel::warning,
        "server",
        "{}: generated turns cannot be read; the file is put aside",
        file.string());
    sqlite3_close(std::exchange(handle_, nullptr));
    std::error_code error;
    std::filesystem::rename(file, aside, error);
    if (error || !open(file))
      throw Error(
          ErrorCode::io,
          fmt::format(
              "{}: the file of generated turns cannot be made; name a folder "
              "for --cache-dir that this user can write",
              file.string()));
  }
  ~Database() { sqlite3_close(handle_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  std::optional<std::string> find(std::string_view id) {
    const std::lock_guard lock(mutex_);
    SqliteStatement row(handle_, "SELECT turn FROM turns WHERE id = ?", {id});
    if (!row.step())
      return std::nullopt;
    return row.text(0);
  }

  void put(std::string_view id, std::string_view text) {
    const std::lock_guard lock(mutex_);
    SqliteStatement(
        handle_,
        fmt::format("INSERT OR REPLACE INTO turns VALUES(?, ?, {})", kNext),
        {id, text})
        .step();
    if (++written_ % kRowsBetweenChecks == 0)
      shrink();
  }

 private:
  bool open(const std::filesystem::path& file) {
    if (sqlite3_open(file.c_str(), &handle_) != SQLITE_OK)
      return false;
    sqlite3_busy_timeout(handle_, kBusyMilliseconds);
    return sqlite3_exec(handle_, kTables, nullptr, nullptr, nullptr) ==
           SQLITE_OK;
  }

  // Takes a tenth more than has to go, so that it is rare.
  void shrink() {
    SqliteStatement sum(handle_, "SELECT total(length(turn)) FROM turns");
    sum.step();
    if (sum.number(0) <= max_bytes_)
      return;
    SqliteStatement(
        handle_,
        "DELETE FROM turns WHERE number <= (SELECT max(number) FROM (SELECT "
        "number, sum(length(turn)) OVER (ORDER BY number DESC) AS newer FROM "
        "turns) WHERE newer > ?)",
        {max_bytes_ - max_bytes_ / 10})
        .step();
  }

  const int64_t max_bytes_;
  std::mutex mutex_;
  sqlite3* handle_ = nullptr;
  int written_ = 0;
};

ReplayFile::ReplayFile(const std::filesystem::path& file, size_t max_bytes)
    : database_(std::make_unique<Database>(file, max_bytes)),
      writer_([this] { run(); }) {}

ReplayFile::~ReplayFile() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  writer_.join();
}

void ReplayFile::put(const ReplayTurn& turn) {
  if (turn.calls.empty() || turn.calls.front().id.empty())
    return;
  Row row{turn.calls.front().id, turn_text(turn)};
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() == kQueueLength)
      return;
    queue_.push_back(std::move(row));
  }
  changed_.notify_all();
}

void ReplayFile::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty())
      return;
    // It stays in the queue until it can be found in the file.
    const Row row = queue_.front();
    lock.unlock();
    try {
      database_->put(row.id, row.text);
    } catch (const Error& error) {
      log(LogLevel::warning,
          "server",
          "a generated turn is not kept on the disk: {}",
          error.what());
    }
    lock.lock();
    queue_.pop_front();
  }
}

std::optional<ReplayTurn> ReplayFile::find(std::string_view id) {
  {
    const std::lock_guard lock(mutex_);
    const auto waiting =
        std::find_if(queue_.rbegin(), queue_.rend(), [id](const Row& row) {
          return row.id == id;
        });
    if (waiting != queue_.rend())
      return parse_turn(waiting->text);
  }
  try {
    const std::optional<std::string> text = database_->find(id);
    return text ? parse_turn(*text) : std::nullopt;
  } catch (const Error& error) {
    log(LogLevel::warning, "server", "{}", error.what());
    return std::nullopt;
  }
}

}  // namespace hadal
