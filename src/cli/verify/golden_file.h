// Recorded outputs of other implementations: the files that `verify` replays.
//
//   NAME.ids                    I32 [T]      the prompt
//   NAME.positions              I32 [P]      whose logits are recorded
//   NAME.logits.COLUMN          F32 [P, V]   logits or log-probabilities
//   NAME.mtp_logits.COLUMN      F32 [P, V]   of the next-token module
//   NAME.greedy.COLUMN          I32 [N]      greedy continuation
//   NAME.decode_logits.COLUMN   F32 [D, V]   after each of the first D of them
//   trace.NAME.layerK           F32 [R, streams, hidden]
//                               residual streams of the last R prompt positions
//                               after layer K, column f32
//   trace_unrounded.NAME.layerK likewise, column f32_unrounded
//
// Columns are f32, bf16 and f32_unrounded. All but the ids may be absent.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace hadal::cli {

// Row-major [rows, width]; empty when the file has no such tensor.
struct GoldenRows {
  int64_t rows = 0;
  int64_t width = 0;
  std::vector<float> values;

  bool empty() const { return rows == 0; }
  std::span<const float> row(int64_t i) const {
    return std::span(values).subspan(
        static_cast<size_t>(i * width), static_cast<size_t>(width));
  }
};

struct GoldenColumn {
  GoldenRows logits;
  GoldenRows mtp_logits;
  GoldenRows decode_logits;
  std::vector<int32_t> greedy;
  std::vector<GoldenRows> trace;  // one a layer; width = streams * hidden
};

struct GoldenCase {
  std::string name;
  std::string file;  // for messages
  std::vector<int32_t> ids;
  std::vector<int64_t> positions;
  std::map<std::string, GoldenColumn> columns;

  // Null when nothing of that column is recorded.
  const GoldenColumn* column(const std::string& column_name) const;
};

// The sizes of the model that a golden file must fit.
struct GoldenSizes {
  int64_t vocabulary = 0;
  int64_t layers = 0;
  int64_t streams = 0;
  int64_t hidden_size = 0;
};

struct GoldenFile {
  std::vector<GoldenCase> cases;  // by name
  std::vector<std::string> ignored_tensors;
};

// Throws Error: not_found or io; corrupt when the container is damaged, a dtype
// or a shape is wrong, an id is outside of the vocabulary, a position outside
// of the prompt, or positions are missing or not increasing.
GoldenFile read_golden_file(
    const std::filesystem::path& path, const GoldenSizes& sizes);

}  // namespace hadal::cli
