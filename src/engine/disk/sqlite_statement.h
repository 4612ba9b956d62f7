// One statement of SQLite, bound and run once.
#pragma once

#include <fmt/format.h>
#include <sqlite3.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "hadal/error.h"

namespace hadal {

using SqliteValue = std::variant<int64_t, std::string_view>;

// Every call throws Error(io) with the file and SQLite's own reason.
class SqliteStatement {
 public:
  SqliteStatement(
      sqlite3* handle,
      std::string_view text,
      std::initializer_list<SqliteValue> values = {})
      : handle_(handle) {
    check(sqlite3_prepare_v2(
        handle,
        text.data(),
        static_cast<int>(text.size()),
        &statement_,
        nullptr));
    int index = 0;
    for (const SqliteValue& value : values) {
      ++index;
      if (const auto* number = std::get_if<int64_t>(&value)) {
        check(sqlite3_bind_int64(statement_, index, *number));
      } else {
        const auto characters = std::get<std::string_view>(value);
        check(sqlite3_bind_text(
            statement_,
            index,
            characters.data(),
            static_cast<int>(characters.size()),
            SQLITE_TRANSIENT));
      }
    }
  }
  ~SqliteStatement() { sqlite3_finalize(statement_); }
  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;

  // True: a row can be read.
  bool step() {
    const int status = sqlite3_step(statement_);
    if (status != SQLITE_ROW && status != SQLITE_DONE)
      check(status);
    return status == SQLITE_ROW;
  }
  int64_t number(int column) const {
    return sqlite3_column_int64(statement_, column);
  }
  std::string text(int column) const {
    const auto* const characters =
        reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return characters == nullptr ? "" : characters;
  }

 private:
  void check(int status) const {
    if (status != SQLITE_OK)
      throw Error(
          ErrorCode::io,
          fmt::format(
              "{}: the database fails: {}",
              sqlite3_db_filename(handle_, "main"),
              sqlite3_errmsg(handle_)));
  }

  sqlite3* handle_;
  sqlite3_stmt* statement_ = nullptr;
};

}  // namespace hadal
