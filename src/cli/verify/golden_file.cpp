#include "cli/verify/golden_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <string_view>
#include <utility>

#include "checkpoint/safetensors.h"
#include "hadal/error.h"

namespace hadal::cli {
namespace {

constexpr std::array<std::string_view, 3> kColumns = {
    "f32", "bf16", "f32_unrounded"};

class GoldenReader {
 public:
  GoldenReader(const std::filesystem::path& path, const GoldenSizes& sizes)
      : file_(path), sizes_(sizes) {}

  GoldenFile read() {
    GoldenFile golden;
    for (const StoredTensor& tensor : file_.tensors())
      if (tensor.name.ends_with(".ids"))
        golden.cases.push_back(
            read_case(tensor.name.substr(0, tensor.name.size() - 4)));
    if (golden.cases.empty())
      throw Error(
          ErrorCode::corrupt,
          file_.path().string() +
              ": no tensor NAME.ids, expected at least one: this is not a "
              "golden file");
    std::sort(
        golden.cases.begin(),
        golden.cases.end(),
        [](const GoldenCase& a, const GoldenCase& b) {
          return a.name < b.name;
        });
    for (const StoredTensor& tensor : file_.tensors())
      if (!used_.contains(tensor.name))
        golden.ignored_tensors.push_back(tensor.name);
    return golden;
  }

 private:
  GoldenCase read_case(const std::string& name) {
    GoldenCase result{.name = name, .file = file_.path().string()};
    result.ids = read_ids(name + ".ids");
    if (result.ids.empty())
      fail(name + ".ids", "found no ids, expected at least one");
    read_positions(result);
    for (const std::string_view column_name : kColumns) {
      GoldenColumn column;
      if (read_column(result, column_name, column))
        result.columns.emplace(column_name, std::move(column));
    }
    return result;
  }

  void read_positions(GoldenCase& result) {
    const std::string name = result.name + ".positions";
    if (file_.find(name) == nullptr)
      return;
    for (const int32_t position : read_integers(name)) {
      const auto tokens = static_cast<int64_t>(result.ids.size());
      if (position < 0 || position >= tokens)
        fail(
            name,
            fmt::format(
                "found position {}, expected 0 to {}", position, tokens - 1));
      if (!result.positions.empty() && position <= result.positions.back())
        fail(
            name,
            fmt::format(
                "found {} behind {}, expected increasing positions",
                position,
                result.positions.back()));
      result.positions.push_back(position);
    }
  }

  // False when the file has nothing of this column.
  bool read_column(
      const GoldenCase& of, std::string_view column, GoldenColumn& result) {
    const auto name = [&](std::string_view kind) {
      return fmt::format("{}.{}.{}", of.name, kind, column);
    };
    bool found = false;
    for (const auto& [kind, rows] :
         {std::pair{"logits", &result.logits},
          std::pair{"mtp_logits", &result.mtp_logits}}) {
      if (!read_rows(name(kind), sizes_.vocabulary, *rows))
        continue;
      found = true;
      const auto positions = static_cast<int64_t>(of.positions.size());
      if (rows->rows != positions)
        fail(
            name(kind),
            fmt::format(
                "found {} rows, expected {}, one for each of {}.positions",
                rows->rows,
                positions,
                of.name));
    }
    found |= read_rows(
        name("decode_logits"), sizes_.vocabulary, result.decode_logits);
    if (file_.find(name("greedy")) != nullptr) {
      found = true;
      result.greedy = read_ids(name("greedy"));
    }
    if (result.decode_logits.rows > static_cast<int64_t>(result.greedy.size()))
      fail(
          name("decode_logits"),
          fmt::format(
              "found {} rows, expected at most {}, the tokens of {}",
              result.decode_logits.rows,
              result.greedy.size(),
              name("greedy")));
    if (column == "f32")
      found |= read_trace("trace", of, result.trace);
    if (column == "f32_unrounded")
      found |= read_trace("trace_unrounded", of, result.trace);
    return found;
  }

  bool read_trace(
      std::string_view prefix,
      const GoldenCase& of,
      std::vector<GoldenRows>& layers) {
    for (int64_t layer = 0; layer < sizes_.layers; ++layer) {
      const std::string name =
          fmt::format("{}.{}.layer{}", prefix, of.name, layer);
      GoldenRows rows;
      if (!read_rows(name, sizes_.streams * sizes_.hidden_size, rows))
        break;
      if (rows.rows > static_cast<int64_t>(of.ids.size()))
        fail(
            name,
            fmt::format(
                "found {} positions, expected at most {}, the prompt's tokens",
                rows.rows,
                of.ids.size()));
      layers.push_back(std::move(rows));
    }
    if (!layers.empty() && static_cast<int64_t>(layers.size()) < sizes_.layers)
      fail(
          fmt::format("{}.{}.layer{}", prefix, of.name, layers.size()),
          fmt::format(
              "missing, expected a trace of all {} layers", sizes_.layers));
    return !layers.empty();
  }

  // Rows of `width` floats, whatever the dimensions behind the first are.
  bool read_rows(const std::string& name, int64_t width, GoldenRows& rows) {
    const StoredTensor* const tensor = file_.find(name);
    if (tensor == nullptr)
      return false;
    used_.insert(name);
    int64_t inner = 1;
    for (int axis = 1; axis < tensor->shape.rank(); ++axis)
      inner *= tensor->shape[axis];
    if (tensor->dtype != Dtype::f32 || tensor->shape.rank() < 2 ||
        inner != width || tensor->shape[0] < 1)
      fail(
          name,
          fmt::format(
              "found {} {}, expected F32 with at least one row of {} values",
              hadal::name(tensor->dtype),
              tensor->shape.text(),
              width));
    rows.rows = tensor->shape[0];
    rows.width = width;
    rows.values.resize(tensor->bytes / sizeof(float));
    std::memcpy(rows.values.data(), tensor->data, tensor->bytes);
    return true;
  }

  std::vector<int32_t> read_integers(const std::string& name) {
    const StoredTensor& tensor = file_.at(name);
    used_.insert(name);
    if (tensor.dtype != Dtype::i32 || tensor.shape.rank() != 1)
      fail(
          name,
          fmt::format(
              "found {} {}, expected I32 with one dimension",
              hadal::name(tensor.dtype),
              tensor.shape.text()));
    std::vector<int32_t> values(tensor.bytes / sizeof(int32_t));
    std::memcpy(values.data(), tensor.data, tensor.bytes);
    return values;
  }

  std::vector<int32_t> read_ids(const std::string& name) {
    std::vector<int32_t> ids = read_integers(name);
    for (const int32_t id : ids)
      if (id < 0 || id >= sizes_.vocabulary)
        fail(
            name,
            fmt::format(
                "found id {}, expected 0 to {}, the model's vocabulary",
                id,
                sizes_.vocabulary - 1));
    return ids;
  }

  [[noreturn]] void fail(
      const std::string& tensor, const std::string& what) const {
    throw Error(
        ErrorCode::corrupt,
        fmt::format("{}: {}: {}", file_.path().string(), tensor, what));
  }

  SafetensorsFile file_;
  GoldenSizes sizes_;
  std::set<std::string> used_;
};

}  // namespace

const GoldenColumn* GoldenCase::column(const std::string& column_name) const {
  const auto found = columns.find(column_name);
  return found == columns.end() ? nullptr : &found->second;
}

GoldenFile read_golden_file(
    const std::filesystem::path& path, const GoldenSizes& sizes) {
  return GoldenReader(path, sizes).read();
}

}  // namespace hadal::cli
