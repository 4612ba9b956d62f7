#include "cache/sequence_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "cache/checked_file.h"
#include "hadal/error.h"

namespace hadal {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::string_view kMagic = "HADALSEQ";
constexpr uint32_t kVersion = 2;

struct Header {
  std::array<char, 8> magic;
  uint32_t version;
  uint32_t description_bytes;
  uint64_t fingerprint;
  int64_t length;
  int64_t payload_bytes;  // between the header and the checksum
};
static_assert(sizeof(Header) == 40);

int64_t padding(int64_t bytes) {
  return (8 - bytes % 8) % 8;
}

// --- the parts of a state, in the file's order

template <class State, class RingVisit, class RowsVisit>
void for_each_part(
    State& state,
    const CacheLayout& layout,
    const RingVisit& on_ring,
    const RowsVisit& on_rows) {
  const auto on_compressor = [&](auto& compressor, const auto& sizes) {
    if (!compressor)
      return;
    on_rows(compressor->rows, state.length / sizes->ratio);
    on_ring(compressor->z);
    on_ring(compressor->g);
  };
  for (size_t i = 0; i < layout.layers.size(); ++i) {
    on_ring(state.layers[i].window);
    on_compressor(state.layers[i].main, layout.layers[i].main);
    on_compressor(state.layers[i].indexer, layout.layers[i].indexer);
  }
  for (auto& ring : state.mtp_windows)
    on_ring(ring);
  on_ring(state.hidden);
}

int64_t payload_bytes(
    const SequenceState& state,
    const CacheLayout& layout,
    const std::string& description) {
  const auto text = static_cast<int64_t>(description.size());
  const int64_t ids = state.length * 4;
  int64_t total = text + padding(text) + ids + padding(ids);
  for_each_part(
      state,
      layout,
      [&](const PositionRing& ring) {
        const int64_t rows = (ring.end() - ring.begin()) * ring.row_bytes();
        total += 16 + rows + padding(rows);
      },
      [&](const RowPages& rows, int64_t count) {
        const int64_t bytes = count * rows.layout().row_bytes();
        total += bytes + padding(bytes);
      });
  return total;
}

// --- writing

void pad(CheckedWriter& file, int64_t bytes) {
  constexpr std::array<char, 8> kZeros = {};
  file.write(kZeros.data(), padding(bytes));
}

void write_padded(CheckedWriter& file, const void* data, int64_t bytes) {
  file.write(data, bytes);
  pad(file, bytes);
}

// Cache memory where the host can read it: in place, or a copy that lasts until
// the next call.
class Readable {
 public:
  explicit Readable(MemorySource& memory) : memory_(memory) {}
  const std::byte* operator()(const std::byte* data, int64_t bytes) {
    if (memory_.host_visible() || bytes == 0)
      return data;
    copy_.resize(static_cast<size_t>(bytes));
    memory_.copy(copy_.data(), data, copy_.size());
    return copy_.data();
  }

 private:
  MemorySource& memory_;
  std::vector<std::byte> copy_;
};

void write_ring(
    CheckedWriter& file, const PositionRing& ring, Readable& readable) {
  const std::array<int64_t, 2> range = {ring.begin(), ring.end()};
  file.write(range.data(), 16);
  const std::byte* const slots =
      readable(ring.data(), ring.capacity() * ring.row_bytes());
  for (int64_t p = ring.begin(); p < ring.end(); ++p)
    file.write(
        slots + p % ring.capacity() * ring.row_bytes(), ring.row_bytes());
  pad(file, (ring.end() - ring.begin()) * ring.row_bytes());
}

void write_rows(
    CheckedWriter& file,
    const RowPages& rows,
    int64_t count,
    Readable& readable) {
  const int64_t row_bytes = rows.layout().row_bytes();
  const int64_t a_page = rows.view().rows_per_page;
  for (int64_t first = 0; first < count; first += a_page) {
    const int64_t bytes = std::min(a_page, count - first) * row_bytes;
    file.write(readable(rows.row(first), bytes), bytes);
  }
  pad(file, count * row_bytes);
}

// --- reading

[[noreturn]] void corrupt(const CheckedReader& file, const std::string& what) {
  throw Error(
      ErrorCode::corrupt,
      fmt::format(
          "{}: {}; the file is damaged, delete it",
          file.path().string(),
          what));
}

[[noreturn]] void refuse(const CheckedReader& file, const std::string& what) {
  throw Error(
      ErrorCode::unsupported,
      fmt::format(
          "{}: {}; the sequence has to be computed again",
          file.path().string(),
          what));
}

const std::byte* take_padded(CheckedReader& file, int64_t bytes) {
  const std::byte* const result = file.take(bytes);
  file.take(padding(bytes));
  return result;
}

Header read_header(CheckedReader& file, uint64_t fingerprint) {
  const auto header = file.take_value<Header>();
  if (std::string_view(header.magic.data(), header.magic.size()) != kMagic)
    corrupt(
        file, "it does not begin with HADALSEQ, so it is no saved sequence");
  if (header.version != kVersion) {
    refuse(
        file,
        fmt::format(
            "its format has version {}, this program reads version {}",
            header.version,
            kVersion));
  }
  if (header.payload_bytes != file.remaining()) {
    corrupt(
        file,
        fmt::format(
            "{} bytes of state were written, {} are there",
            header.payload_bytes,
            file.remaining()));
  }
  if (header.fingerprint != fingerprint) {
    refuse(
        file,
        fmt::format(
            "it was saved with another model or other numerics (fingerprint "
            "{:016x}, here {:016x})",
            header.fingerprint,
            fingerprint));
  }
  return header;
}

void check_layout(
    CheckedReader& file, const Header& header, const CacheLayout& layout) {
  const auto* const text = reinterpret_cast<const char*>(
      take_padded(file, header.description_bytes));
  const std::string_view found(text, header.description_bytes);
  const std::string expected = layout.describe();
  if (found != expected) {
    refuse(
        file,
        fmt::format(
            "it was saved with the cache layout \"{}\", here it is \"{}\"",
            found,
            expected));
  }
}

std::vector<int32_t> read_tokens(CheckedReader& file, int64_t count) {
  if (count < 0 || count > file.remaining() / 4)
    corrupt(file, fmt::format("its length is {} tokens", count));
  std::vector<int32_t> tokens(static_cast<size_t>(count));
  const std::byte* const ids = take_padded(file, count * 4);
  if (count > 0)
    std::memcpy(tokens.data(), ids, static_cast<size_t>(count) * 4);
  return tokens;
}

PositionRing read_ring(CheckedReader& file, int64_t row_bytes, PagePool& pool) {
  const auto begin = file.take_value<int64_t>();
  const auto end = file.take_value<int64_t>();
  const int64_t most = row_bytes == 0 ? 0 : file.remaining() / row_bytes;
  if (begin < 0 || end < begin || end - begin > most)
    corrupt(file, fmt::format("a ring holds positions {} to {}", begin, end));
  PositionRing ring(end - begin, row_bytes);
  ring.start_at(begin);
  ring.prepare(pool);
  const RingSlots slots = ring.extend(begin, end - begin);
  const std::byte* const rows = take_padded(file, (end - begin) * row_bytes);
  // The ring has a slot a row, of which position 0 would have the first.
  const int64_t before =
      begin == end ? 0 : slots.capacity - begin % slots.capacity;
  const auto copy = [&](int64_t to, int64_t from, int64_t count) {
    if (count > 0)
      pool.memory().copy(
          slots.slots + to * row_bytes,
          rows + from * row_bytes,
          static_cast<size_t>(count * row_bytes));
  };
  const int64_t head = std::min(before, end - begin);
  copy(slots.capacity - before, 0, head);
  copy(0, head, end - begin - head);
  return ring;
}

void read_rows(
    CheckedReader& file, RowPages& rows, int64_t count, PagePool& pool) {
  const int64_t row_bytes = rows.layout().row_bytes();
  const std::byte* const stored = take_padded(file, count * row_bytes);
  rows.prepare(pool, 0, count);
  const int64_t a_page = rows.view().rows_per_page;
  for (int64_t first = 0; first < count; first += a_page)
    pool.memory().copy(
        rows.writable_row(first),
        stored + first * row_bytes,
        static_cast<size_t>(std::min(a_page, count - first) * row_bytes));
}

}  // namespace

void save_sequence(
    const std::filesystem::path& path,
    const Snapshot& snapshot,
    std::span<const int32_t> tokens,
    uint64_t fingerprint,
    const std::function<void(int64_t bytes)>& on_bytes) {
  const SequenceState& state = snapshot.state();
  HADAL_CHECK(static_cast<int64_t>(tokens.size()) == state.length);
  const std::string description = snapshot.layout().describe();

  Header header = {};
  kMagic.copy(header.magic.data(), kMagic.size());
  header.version = kVersion;
  header.description_bytes = static_cast<uint32_t>(description.size());
  header.fingerprint = fingerprint;
  header.length = state.length;
  header.payload_bytes = payload_bytes(state, snapshot.layout(), description);

  Readable readable(snapshot.pool()->memory());
  CheckedWriter file(path, on_bytes);
  file.write(&header, sizeof(header));
  write_padded(
      file, description.data(), static_cast<int64_t>(description.size()));
  write_padded(file, tokens.data(), state.length * 4);
  for_each_part(
      state,
      snapshot.layout(),
      [&](const PositionRing& ring) { write_ring(file, ring, readable); },
      [&](const RowPages& rows, int64_t count) {
        write_rows(file, rows, count, readable);
      });
  HADAL_CHECK(
      file.position() ==
      static_cast<int64_t>(sizeof(header)) + header.payload_bytes);
  file.commit();
}

int64_t saved_bytes(const Snapshot& snapshot) {
  return static_cast<int64_t>(sizeof(Header)) +
         payload_bytes(
             snapshot.state(),
             snapshot.layout(),
             snapshot.layout().describe()) +
         static_cast<int64_t>(sizeof(uint64_t));
}

SavedSequence load_sequence(
    const std::filesystem::path& path,
    std::shared_ptr<const CacheLayout> layout,
    std::shared_ptr<PagePool> pool,
    uint64_t fingerprint) {
  CheckedReader file(path);
  const Header header = read_header(file, fingerprint);
  file.verify();
  check_layout(file, header, *layout);
  std::vector<int32_t> tokens = read_tokens(file, header.length);

  SequenceState state = make_sequence_state(*layout);
  state.length = header.length;
  for_each_part(
      state,
      *layout,
      [&](PositionRing& ring) {
        ring = read_ring(file, ring.row_bytes(), *pool);
      },
      [&](RowPages& rows, int64_t count) {
        read_rows(file, rows, count, *pool);
      });
  if (file.remaining() != 0)
    corrupt(file, fmt::format("{} bytes too many", file.remaining()));
  if (!holds_length(state, *layout, header.length))
    corrupt(file, "it lacks state that its length needs");
  return {
      std::move(tokens),
      Snapshot(std::move(layout), std::move(pool), std::move(state))};
}

}  // namespace hadal
