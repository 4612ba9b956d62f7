#include "engine/disk/prefix_index.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <chrono>
#include <mutex>
#include <string_view>

#include "base/log.h"
#include "engine/disk/sqlite_statement.h"
#include "hadal/error.h"

namespace hadal {
namespace {

constexpr int kSchema = 1;  // PRAGMA user_version
// Another server may be writing; its transactions are a row long.
constexpr int kBusyMilliseconds = 5'000;

constexpr std::string_view kTables = R"(
CREATE TABLE IF NOT EXISTS prefixes(
  id INTEGER PRIMARY KEY,
  fingerprint INTEGER NOT NULL,
  length INTEGER NOT NULL,
  hash INTEGER NOT NULL,
  file TEXT NOT NULL UNIQUE,
  bytes INTEGER NOT NULL,
  used INTEGER NOT NULL,      -- milliseconds since 1970, no two alike
  extended INTEGER NOT NULL   -- a longer one came, and nobody asked since
);
CREATE UNIQUE INDEX IF NOT EXISTS prefixes_by_key
  ON prefixes(fingerprint, length, hash);
CREATE INDEX IF NOT EXISTS prefixes_by_use ON prefixes(extended, used);
)";

constexpr std::string_view kColumns =
    "SELECT id, fingerprint, length, hash, file, bytes FROM prefixes ";

// Later than all others, also within one millisecond.
constexpr std::string_view kNow =
    "max(?, (SELECT coalesce(max(used), 0) + 1 FROM prefixes))";

int64_t now_milliseconds() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch())
      .count();
}

PrefixEntry read_entry(const SqliteStatement& row) {
  return {
      .id = row.number(0),
      .fingerprint = static_cast<uint64_t>(row.number(1)),
      .length = row.number(2),
      .hash = static_cast<uint64_t>(row.number(3)),
      .file = row.text(4),
      .bytes = row.number(5)};
}

}  // namespace

struct PrefixIndex::Database {
  std::mutex mutex;
  sqlite3* handle = nullptr;

  ~Database() { sqlite3_close(handle); }

  // False: SQLite cannot make sense of the file.
  bool open(const std::filesystem::path& file) {
    sqlite3_close(handle);
    handle = nullptr;
    int status = sqlite3_open(file.c_str(), &handle);
    if (status == SQLITE_OK) {
      sqlite3_extended_result_codes(handle, 0);
      sqlite3_busy_timeout(handle, kBusyMilliseconds);
      // NORMAL: after a power cut the newest rows may be missing, never wrong.
      status =
          run("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
              "SELECT count(*) FROM sqlite_master;");
    }
    if (status == SQLITE_CORRUPT || status == SQLITE_NOTADB)
      return false;
    if (status != SQLITE_OK)
      throw Error(
          ErrorCode::io,
          fmt::format(
              "{}: the index of saved prefixes cannot be opened: {}",
              file.string(),
              handle == nullptr ? "out of memory" : sqlite3_errmsg(handle)));
    return make_tables();
  }

  int run(std::string_view text) {
    return sqlite3_exec(
        handle, std::string(text).c_str(), nullptr, nullptr, nullptr);
  }

  int64_t schema() {
    SqliteStatement version(handle, "PRAGMA user_version");
    return version.step() ? version.number(0) : 0;
  }

  // False: tables of another program version.
  bool make_tables() {
    const int64_t found = schema();
    if (found == kSchema)
      return true;
    return found == 0 &&
           run(fmt::format(
               "BEGIN IMMEDIATE; {} PRAGMA user_version = {}; COMMIT;",
               kTables,
               kSchema)) == SQLITE_OK;
  }
};

PrefixIndex::PrefixIndex(const std::filesystem::path& file)
    : database_(std::make_unique<Database>()) {
  if (database_->open(file))
    return;
  const std::filesystem::path aside = file.string() + ".damaged";
  log(LogLevel::warning,
      "engine",
      "{}: the index of saved prefixes is damaged or of another version; it is "
      "put aside as {} and begun anew",
      file.string(),
      aside.filename().string());
  sqlite3_close(database_->handle);
  database_->handle = nullptr;
  std::error_code ignored;
  std::filesystem::rename(file, aside, ignored);
  for (const char* suffix : {"-wal", "-shm"})
    std::filesystem::remove(file.string() + suffix, ignored);
  if (!database_->open(file))
    throw Error(
        ErrorCode::io,
        fmt::format(
            "{}: a new index of saved prefixes cannot be made either; remove "
            "the file",
            file.string()));
}

PrefixIndex::~PrefixIndex() = default;

std::vector<int64_t> PrefixIndex::lengths(
    uint64_t fingerprint, int64_t above, int64_t below) {
  const std::lock_guard lock(database_->mutex);
  SqliteStatement rows(
      database_->handle,
      "SELECT DISTINCT length FROM prefixes WHERE fingerprint = ? AND "
      "length > ? AND length < ? ORDER BY length",
      {static_cast<int64_t>(fingerprint), above, below});
  std::vector<int64_t> result;
  while (rows.step())
    result.push_back(rows.number(0));
  return result;
}

std::optional<PrefixEntry> PrefixIndex::find(
    uint64_t fingerprint, int64_t length, uint64_t hash) {
  const std::lock_guard lock(database_->mutex);
  SqliteStatement row(
      database_->handle,
      std::string(kColumns) +
          "WHERE fingerprint = ? AND length = ? AND hash = ?",
      {static_cast<int64_t>(fingerprint), length, static_cast<int64_t>(hash)});
  if (!row.step())
    return std::nullopt;
  return read_entry(row);
}

void PrefixIndex::add(
    const PrefixEntry& entry, std::span<const int64_t> ancestors) {
  const std::lock_guard lock(database_->mutex);
  SqliteStatement(
      database_->handle,
      "INSERT OR REPLACE INTO prefixes(fingerprint, length, hash, file, bytes, "
      "used, extended) VALUES(?, ?, ?, ?, ?, " +
          std::string(kNow) + ", 0)",
      {static_cast<int64_t>(entry.fingerprint),
       entry.length,
       static_cast<int64_t>(entry.hash),
       std::string_view(entry.file),
       entry.bytes,
       now_milliseconds()})
      .step();
  for (const int64_t id : ancestors)
    SqliteStatement(
        database_->handle,
        "UPDATE prefixes SET extended = 1 WHERE id = ?",
        {id})
        .step();
}

void PrefixIndex::touch(int64_t id) {
  const std::lock_guard lock(database_->mutex);
  SqliteStatement(
      database_->handle,
      "UPDATE prefixes SET used = " + std::string(kNow) +
          ", extended = 0 WHERE id = ?",
      {now_milliseconds(), id})
      .step();
}

void PrefixIndex::remove(int64_t id) {
  const std::lock_guard lock(database_->mutex);
  SqliteStatement(database_->handle, "DELETE FROM prefixes WHERE id = ?", {id})
      .step();
}

bool PrefixIndex::holds(const std::string& file) {
  const std::lock_guard lock(database_->mutex);
  return SqliteStatement(
             database_->handle,
             "SELECT 1 FROM prefixes WHERE file = ?",
             {std::string_view(file)})
      .step();
}

std::optional<PrefixEntry> PrefixIndex::least_useful() {
  const std::lock_guard lock(database_->mutex);
  SqliteStatement row(
      database_->handle,
      std::string(kColumns) + "ORDER BY extended DESC, used, id LIMIT 1");
  if (!row.step())
    return std::nullopt;
  return read_entry(row);
}

PrefixIndex::Totals PrefixIndex::totals() {
  const std::lock_guard lock(database_->mutex);
  SqliteStatement row(
      database_->handle, "SELECT count(*), total(bytes) FROM prefixes");
  row.step();
  return {.entries = row.number(0), .bytes = row.number(1)};
}

}  // namespace hadal
