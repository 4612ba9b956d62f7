#include "convert/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "hadal/error.h"

namespace hadal {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kFormat = "hadal-journal-1";

std::string header_line(const ConversionKey& key) {
  Json line;
  line["format"] = kFormat;
  line["source"] = key.source;
  line["recipe"] = Json::parse(key.recipe);
  line["options"] = Json::parse(key.options);
  return line.dump() + "\n";
}

[[noreturn]] void differs(
    const std::filesystem::path& path, const std::string& what) {
  throw Error(
      ErrorCode::invalid_argument,
      path.parent_path().string() + ": holds an unfinished conversion, but " +
          what +
          "; run that command again, or choose another directory, or "
          "remove this one");
}

}  // namespace

Journal::Journal(
    const std::filesystem::path& directory, const ConversionKey& key)
    : path_(directory / kJournalName) {
  std::string text;
  if (std::filesystem::exists(path_)) {
    std::ifstream file(path_, std::ios::binary);
    text.assign(std::istreambuf_iterator<char>(file), {});
    read(text, key);
  }
  const size_t whole = text.rfind('\n') + 1;  // 0 when there is none
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (fd_ < 0 || ::ftruncate(fd_, static_cast<off_t>(whole)) != 0 ||
      ::lseek(fd_, 0, SEEK_END) < 0)
    throw Error(
        ErrorCode::io,
        path_.string() + ": cannot open it: " + std::strerror(errno));
  if (whole == 0)
    append(header_line(key));
}

Journal::~Journal() {
  if (fd_ >= 0)
    ::close(fd_);
}

void Journal::read(const std::string& text, const ConversionKey& key) {
  size_t at = 0;
  bool first = true;
  for (size_t end; (end = text.find('\n', at)) != std::string::npos;
       at = end + 1) {
    const Json line = Json::parse(text.substr(at, end - at), nullptr, false);
    try {
      if (first) {
        if (line.at("format") != kFormat)
          differs(path_, "another version of Hadal began it");
        if (line.at("source") != key.source)
          differs(path_, "the source has changed since, or is another one");
        if (line.at("recipe").dump() != key.recipe)
          differs(path_, "with another recipe");
        if (line.at("options").dump() != key.options)
          differs(
              path_,
              "with other options (" + line.at("options").dump() + " there, " +
                  key.options + " here)");
        first = false;
        continue;
      }
      finished_.insert_or_assign(
          line.at("file").get<std::string>(),
          FinishedShard{
              line.at("bytes").get<uint64_t>(),
              line.at("hashes").get<std::vector<std::string>>()});
    } catch (const nlohmann::json::exception&) {
      throw Error(
          ErrorCode::corrupt,
          path_.string() + ": damaged; remove the directory and begin anew");
    }
  }
}

void Journal::append(const std::string& line) {
  size_t done = 0;
  while (done < line.size()) {
    const ssize_t n = ::write(fd_, line.data() + done, line.size() - done);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      throw Error(
          errno == ENOSPC ? ErrorCode::resource : ErrorCode::io,
          path_.string() + ": cannot write it: " + std::strerror(errno));
    done += static_cast<size_t>(n);
  }
  ::fsync(fd_);
}

const FinishedShard* Journal::finished(const std::string& file) const {
  const auto found = finished_.find(file);
  if (found == finished_.end())
    return nullptr;
  std::error_code error;
  const uint64_t size =
      std::filesystem::file_size(path_.parent_path() / file, error);
  return !error && size == found->second.bytes ? &found->second : nullptr;
}

void Journal::add(const std::string& file, FinishedShard shard) {
  Json line;
  line["file"] = file;
  line["bytes"] = shard.bytes;
  line["hashes"] = shard.hashes;
  append(line.dump() + "\n");
  finished_.insert_or_assign(file, std::move(shard));
}

void Journal::remove() {
  std::filesystem::remove(path_);
}

}  // namespace hadal
