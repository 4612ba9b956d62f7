// The layout says where everything lies; here the blocks are taken and filled.
#include "bench/synthetic_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <new>
#include <vector>

#include "base/huge_memory.h"
#include "base/readable.h"
#include "bench/synthetic_layout.h"
#include "hadal/error.h"
#include "kernels/random_weight.h"
#include "kernels/synthetic_weight.h"
#include "weights/device_tables.h"

namespace hadal {
namespace {

// A part of a tensor that one thread fills.
struct Piece {
  WeightView rows;
  const SyntheticPlace* place = nullptr;
};

// Adds pieces of about 4 MB, of whole blocks of 128 rows.
void cut(
    const WeightView& view,
    const SyntheticPlace& place,
    std::vector<Piece>& out) {
  constexpr int64_t kPieceBytes = int64_t{4} << 20;
  const int64_t rows =
      std::max<int64_t>(1, kPieceBytes / view.row_bytes / 128) * 128;
  for (int64_t first = 0; first < view.rows; first += rows)
    out.push_back(
        {row_slice(view, first, std::min(rows, view.rows - first)), &place});
}

void fill(const Piece& piece, uint64_t seed) {
  const WeightView& view = piece.rows;
  if (piece.place->content == SyntheticContent::random) {
    fill_weight(view, seed, 1 / std::sqrt(static_cast<double>(view.cols)));
    return;
  }
  float* const values =
      reinterpret_cast<float*>(const_cast<std::byte*>(view.data));
  std::fill_n(values, view.rows * view.cols, piece.place->value);
}

// Neighbours from a random expert on: different ones for every token.
void fill_table(const ModelConfig& config, int64_t* ids, uint64_t seed) {
  RandomNumbers random(seed);
  const int64_t experts = config.n_routed_experts;
  for (int64_t token = 0; token < config.vocab_size; ++token) {
    const int64_t first =
        static_cast<int64_t>(random.bits() % static_cast<uint64_t>(experts));
    for (int64_t i = 0; i < config.num_experts_per_tok; ++i)
      *ids++ = (first + i) % experts;
  }
}

void fill_all(const std::vector<Piece>& pieces, ThreadTeam& team) {
  team.parallel_for(
      static_cast<int64_t>(pieces.size()),
      1,
      [&](int64_t begin, int64_t end, int) {
        for (int64_t i = begin; i < end; ++i)
          fill(pieces[static_cast<size_t>(i)], static_cast<uint64_t>(i));
      });
}

void require_memory(
    const SyntheticSpec& spec, int64_t bytes, int64_t available) {
  if (bytes > available)
    throw Error(
        ErrorCode::resource,
        fmt::format(
            "synthetic model \"{}\": needs {} of memory, but {} are "
            "available; ask for fewer layers or experts, or for a format of "
            "fewer bits",
            spec.text,
            readable_bytes(static_cast<uint64_t>(bytes)),
            readable_bytes(static_cast<uint64_t>(available))));
}

// What the network reads, in ordinary memory, and with it the tables.
std::shared_ptr<HugeMemory> fill_host_tensors(
    const SyntheticSpec& spec,
    const SyntheticLayout& layout,
    SyntheticReader reader,
    ThreadTeam& team) {
  const auto memory =
      std::make_shared<HugeMemory>(static_cast<size_t>(layout.bytes(reader)));
  std::vector<Piece> pieces;
  for (const SyntheticPlace& place : layout.places)
    if (place.reader == reader) {
      *place.view = lay_out_weight(*place.view, memory->data() + place.offset);
      cut(*place.view, place, pieces);
    }
  fill_all(pieces, team);
  if (reader == SyntheticReader::network)
    for (const SyntheticTable& table : layout.tables) {
      *table.data = memory->data() + table.offset;
      fill_table(
          spec.config,
          reinterpret_cast<int64_t*>(memory->data() + table.offset),
          static_cast<uint64_t>(table.offset));
    }
  return memory;
}

bool alike(const WeightView& a, const WeightView& b) {
  return a.format == b.format && a.scale_format == b.scale_format &&
         a.bits == b.bits && a.group == b.group && a.rows == b.rows &&
         a.cols == b.cols;
}

// One block of a device's memory.
struct DeviceBlock {
  DeviceBlock(MemorySource& from, size_t size)
      : source(from), bytes(size), data(from.allocate(size)) {
    if (data == nullptr)
      throw std::bad_alloc();
  }
  ~DeviceBlock() { source.release(data, bytes); }
  DeviceBlock(const DeviceBlock&) = delete;
  DeviceBlock& operator=(const DeviceBlock&) = delete;

  MemorySource& source;
  const size_t bytes;
  std::byte* const data;
};

// What kernels read, in a device's memory. Making as many random bytes on the
// host would take minutes: matrices of one shape and format have equal bytes,
// made once and copied on the device.
std::shared_ptr<DeviceBlock> fill_device_tensors(
    const SyntheticLayout& layout, MemorySource& memory, ThreadTeam& team) {
  const auto block = std::make_shared<DeviceBlock>(
      memory, static_cast<size_t>(layout.bytes(SyntheticReader::kernels)));
  std::vector<const SyntheticPlace*> made;
  for (const SyntheticPlace& place : layout.places) {
    if (place.reader != SyntheticReader::kernels)
      continue;
    const WeightView like = *place.view;
    std::byte* const to = block->data + place.offset;
    const auto bytes = static_cast<size_t>(layout_bytes(like));
    const auto twin = std::find_if(
        made.begin(), made.end(), [&like](const SyntheticPlace* other) {
          return alike(*other->view, like);
        });
    if (twin != made.end()) {
      memory.copy(to, block->data + (*twin)->offset, bytes);
    } else {
      HugeMemory pattern(bytes);
      std::vector<Piece> pieces;
      cut(lay_out_weight(like, pattern.data()), place, pieces);
      fill_all(pieces, team);
      memory.copy(to, pattern.data(), bytes);
      made.push_back(&place);
    }
    *place.view = lay_out_weight(like, to);
  }
  return block;
}

// What keeps the weights alive.
struct Storage {
  std::shared_ptr<const void> matrices;
  std::shared_ptr<const void> small;
  std::shared_ptr<const void> tables;  // of a device
};

}  // namespace

SyntheticModel make_synthetic_model(
    const SyntheticSpec& spec,
    ThreadTeam& team,
    const ExecutionDevice& device) {
  SyntheticModel model{.config = spec.config};
  const SyntheticLayout layout = lay_out_model(spec, model.weights);
  const int64_t small = layout.bytes(SyntheticReader::network);
  const int64_t matrices = layout.bytes(SyntheticReader::kernels);
  const bool on_host = device.memory->host_visible();
  require_memory(
      spec, matrices + (on_host ? small : 0), device.available_bytes());
  auto storage = std::make_shared<Storage>();
  storage->small =
      fill_host_tensors(spec, layout, SyntheticReader::network, team);
  if (on_host)
    storage->matrices =
        fill_host_tensors(spec, layout, SyntheticReader::kernels, team);
  else
    storage->matrices = fill_device_tensors(layout, *device.memory, team);
  layout.finish();
  model.weights.embed = model.weights.head;
  if (!on_host)
    storage->tables =
        make_device_tables(model.weights, model.config, *device.memory);
  model.weights.storage = storage;
  model.bytes = static_cast<uint64_t>(small + matrices);
  return model;
}

}  // namespace hadal
