#include "weights/testing/edited_checkpoint.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "checkpoint/checkpoint_files.h"
#include "checkpoint/safetensors_writer.h"

namespace hadal::testing {

EditedCheckpoint::EditedCheckpoint(const std::filesystem::path& source)
    : config_(read_text(source / "config.json")) {
  const CheckpointFiles files(source);
  for (const SafetensorsFile& shard : files.shards())
    for (const StoredTensor& tensor : shard.tensors())
      tensors[tensor.name] = {
          tensor.dtype,
          tensor.shape,
          {tensor.data, tensor.data + tensor.bytes}};
}

void EditedCheckpoint::edit_config(
    const std::function<void(nlohmann::json&)>& edit) {
  nlohmann::json config = nlohmann::json::parse(config_);
  edit(config);
  config_ = config.dump();
}

void EditedCheckpoint::rename(const std::string& from, const std::string& to) {
  auto node = tensors.extract(from);
  node.key() = to;
  tensors.insert(std::move(node));
}

void EditedCheckpoint::write(Order order) const {
  write_text(directory_ / "config.json", config_);
  std::vector<TensorDeclaration> declared;
  for (const auto& [name, tensor] : tensors)
    declared.push_back({name, tensor.dtype, tensor.shape});
  if (order == Order::aligned)
    sort_for_alignment(declared);
  SafetensorsWriter writer(directory_ / "model.safetensors", declared);
  for (const TensorDeclaration& tensor : declared)
    writer.write(tensors.at(tensor.name).bytes);
  writer.finish();
}

LoadedModel EditedCheckpoint::load() const {
  return load_checkpoint(directory_.path());
}

std::string EditedCheckpoint::verdict() const {
  write();
  return error_of([&] { load(); });
}

void EditedCheckpoint::expect(
    std::string_view code, std::string_view reason) const {
  const std::string message = verdict();
  EXPECT_TRUE(message.starts_with(
      std::string(code) + ": " + directory_.path().string()))
      << message;
  EXPECT_NE(message.find(reason), std::string::npos)
      << message << "\nexpected: " << reason;
}

}  // namespace hadal::testing
