// For tests: a checkpoint in memory, to be damaged and written anew.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/dtype.h"
#include "checkpoint/tensor_shape.h"
#include "checkpoint/testing/temporary_directory.h"
#include "weights/load_checkpoint.h"

namespace hadal::testing {

struct EditableTensor {
  Dtype dtype{};
  TensorShape shape;
  std::vector<std::byte> bytes;
};

class EditedCheckpoint {
 public:
  explicit EditedCheckpoint(const std::filesystem::path& source);

  std::map<std::string, EditableTensor> tensors;

  void edit_config(const std::function<void(nlohmann::json&)>& edit);
  void rename(const std::string& from, const std::string& to);

  enum class Order { aligned, by_name };
  // Writes config.json and one model.safetensors into a directory of its own.
  void write(Order order = Order::aligned) const;
  // Where write() puts them.
  const std::filesystem::path& directory() const { return directory_.path(); }
  LoadedModel load() const;
  // Writes and loads; "corrupt: ..." or "no error".
  std::string verdict() const;
  // verdict() must begin with `code` and the directory's path, and hold
  // `reason`.
  void expect(std::string_view code, std::string_view reason) const;

 private:
  std::string config_;
  TemporaryDirectory directory_;
};

}  // namespace hadal::testing
