// What a conversion has finished, so that the same command goes on after it was
// killed.
//
// DIR/hadal-convert.journal holds a line of JSON for the whole and one for
// every finished file:
//
//   {"format":"hadal-journal-1","source":HEX,"recipe":{...},"options":{...}}
//   {"file":"model-00001-of-00033.safetensors","bytes":N,"hashes":[HEX,...]}
//
// Lines are appended and synced after the file they speak of has its name. A
// last line that is cut short does not count.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace hadal {

inline constexpr const char* kJournalName = "hadal-convert.journal";

// What makes two conversions the same; each a line of JSON or a number in hex.
struct ConversionKey {
  std::string source;   // hash of the source's contents
  std::string recipe;   // recipe_json
  std::string options;  // quantiser, importance, shard size
  bool operator==(const ConversionKey&) const = default;
};

struct FinishedShard {
  uint64_t bytes = 0;
  std::vector<std::string> hashes;  // of the tensors, in file order
};

class Journal {
 public:
  // Opens or begins the journal of `directory`, which exists. Throws
  // Error(invalid_argument) when there is one of another conversion (the
  // message says what differs), Error(io), Error(resource) for a full disk.
  Journal(const std::filesystem::path& directory, const ConversionKey& key);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Null unless the file was finished and still has its size.
  const FinishedShard* finished(const std::string& file) const;
  void add(const std::string& file, FinishedShard shard);
  // The conversion is complete.
  void remove();

 private:
  void read(const std::string& text, const ConversionKey& key);
  void append(const std::string& line);

  std::filesystem::path path_;
  std::map<std::string, FinishedShard> finished_;
  int fd_ = -1;
};

}  // namespace hadal
