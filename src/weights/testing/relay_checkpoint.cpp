#include "weights/testing/relay_checkpoint.h"

#include <fmt/format.h>

#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "checkpoint/checkpoint_files.h"
#include "checkpoint/safetensors_writer.h"
#include "checkpoint/testing/temporary_directory.h"
#include "weights/testing/relayed_formats.h"
#include "weights/testing/relayed_names.h"

namespace hadal::testing {
namespace {

class Relay {
 public:
  Relay(const std::filesystem::path& source, const RelayOptions& options)
      : files_(source),
        options_(options),
        config_(nlohmann::json::parse(read_text(source / "config.json"))) {
    for (const SafetensorsFile& shard : files_.shards())
      for (const StoredTensor& tensor : shard.tensors())
        if (!tensor.name.starts_with("mtp."))
          add(tensor);
  }

  void convert() {
    for (auto& [name, parts] : modules_) {
      if (is_expert(name))
        continue;
      if (!parts.contains("weight"))
        put_bare(name, parts.at(""));
      else if (name.ends_with(".wo_a"))
        put_groups(name, parts);
      else if (parts.at("weight").shape.rank() != 2 || is_gate(name))
        put(name, parts);
      else
        put(name, stored_as(name, parts));
    }
    for (int64_t layer = 0; layer < config_["num_hidden_layers"]; ++layer)
      put_experts(fmt::format("layers.{}.ffn.experts", layer));
  }

  void write(const std::filesystem::path& directory) const;

 private:
  static bool is_expert(const std::string& name) {
    return name.find(".experts.") != std::string::npos;
  }
  static bool is_gate(const std::string& name) {
    return name.ends_with("ffn.gate");
  }
  bool transformers() const {
    return options_.spelling == Spelling::transformers;
  }

  void add(const StoredTensor& tensor) {
    for (const char* part : {"weight", "scale"}) {
      const std::string suffix = std::string(".") + part;
      if (tensor.name.ends_with(suffix)) {
        const std::string module =
            tensor.name.substr(0, tensor.name.size() - suffix.size());
        modules_[module].emplace(part, tensor_of(tensor));
        return;
      }
    }
    modules_[tensor.name].emplace("", tensor_of(tensor));
  }

  // The parts of a matrix in its new format.
  Parts stored_as(const std::string& name, const Parts& parts) {
    const Dtype dtype = parts.at("weight").dtype;
    const Storing storing = dtype == Dtype::i8        ? options_.experts
                            : dtype == Dtype::f8_e4m3 ? options_.dense
                                                      : options_.rest;
    switch (storing) {
      case Storing::same:
        if (transformers() || dtype == Dtype::bf16)
          return parts;
        plan(
            name,
            dtype == Dtype::i8 ? "mxfp4" : "mxfp8",
            32,
            dtype == Dtype::i8 ? 4 : 8);
        return words(parts);
      case Storing::bf16: {
        const Matrix matrix = decode(parts);
        return {
            {"weight", bf16_tensor({matrix.rows, matrix.cols}, matrix.values)}};
      }
      case Storing::affine:
        plan(name, "affine", options_.affine_group, options_.affine_bits);
        return affine(
            decode(parts),
            options_.affine_bits,
            options_.affine_group,
            dtype == Dtype::i8 && options_.affine_bits >= 5 &&
                    options_.affine_group == 32
                ? &parts.at("scale")
                : nullptr);
    }
    return {};
  }

  void plan(const std::string& name, const char* mode, int group, int bits) {
    std::string module = name;
    // One entry for all experts.
    const size_t expert = module.find(".experts.");
    if (expert != std::string::npos)
      module =
          module.substr(0, expert + 9) + module.substr(module.rfind('.') + 1);
    const std::string path = options_.plan_in_release_names
                                 ? module
                                 : relayed_module(module, options_.spelling);
    plan_[path] = {{"mode", mode}, {"group_size", group}, {"bits", bits}};
  }

  void put_bare(const std::string& name, RelayedTensor tensor) {
    if (name.ends_with(".tid2eid") && !transformers()) {
      Bytes narrow(tensor.bytes.size() / 2);
      for (size_t i = 0; i < narrow.size() / 4; ++i)
        std::memcpy(narrow.data() + 4 * i, tensor.bytes.data() + 8 * i, 4);
      tensor.dtype = Dtype::i32;
      tensor.bytes = std::move(narrow);
    }
    if (name.ends_with(".ape") && options_.bf16_ape) {
      std::vector<float> values(tensor.bytes.size() / 4);
      std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
      tensor = bf16_tensor(tensor.shape, values);
    }
    out_.emplace(relayed_module(name, options_.spelling), std::move(tensor));
  }
  // Under the layout's names of the parts.
  void put(const std::string& name, const Parts& parts) {
    for (const auto& [part, tensor] : parts)
      out_.emplace(
          relayed_module(name, options_.spelling) + "." +
              (transformers() && part == "scale" ? "weight_scale_inv" : part),
          tensor);
  }

  // MLX keeps the groups of wo_a apart: in a third dimension, or in files of
  // their own.
  void put_groups(const std::string& name, const Parts& parts) {
    const Parts stored = stored_as(name, parts);
    if (transformers())
      return put(name, stored);
    const int64_t groups = config_["o_groups"];
    std::vector<Parts> items(static_cast<size_t>(groups));
    for (const auto& [part, tensor] : stored) {
      const int64_t rows = tensor.shape[0] / groups;
      for (int64_t g = 0; g < groups; ++g)
        items[static_cast<size_t>(g)].emplace(
            part, rows_of(tensor, g * rows, rows));
    }
    if (options_.spelling != Spelling::mlx_thump604)
      return put(name, stack_parts(items));
    for (size_t g = 0; g < items.size(); ++g)
      put(fmt::format("{}.{}", name, g), items[g]);
  }

  void put_experts(const std::string& prefix) {
    std::map<std::string, Parts> stacked;
    for (const char* name : {"w1", "w2", "w3"}) {
      std::vector<Parts> items;
      for (int64_t e = 0; e < config_["n_routed_experts"]; ++e) {
        const std::string module = fmt::format("{}.{}.{}", prefix, e, name);
        items.push_back(stored_as(module, modules_.at(module)));
      }
      stacked.emplace(name, stack_parts(items));
    }
    if (!transformers()) {
      for (const auto& [name, parts] : stacked)
        put(prefix + "." + name, parts);
      return;
    }
    // Parameters of the module itself: no ".weight", and w1's rows before w3's.
    const std::string module = relayed_module(prefix, options_.spelling);
    for (const auto& [part, tensor] : stacked["w2"])
      out_.emplace(
          module + ".down_proj" + (part == "scale" ? "_scale_inv" : ""),
          tensor);
    for (const auto& [part, w1] : stacked["w1"]) {
      const RelayedTensor& w3 = stacked["w3"].at(part);
      RelayedTensor both{
          w1.dtype, {w1.shape[0], 2 * w1.shape[1], w1.shape[2]}, {}};
      const size_t item = w1.bytes.size() / static_cast<size_t>(w1.shape[0]);
      for (size_t at = 0; at < w1.bytes.size(); at += item)
        for (const RelayedTensor* half : {&w1, &w3})
          both.bytes.insert(
              both.bytes.end(),
              half->bytes.begin() + static_cast<std::ptrdiff_t>(at),
              half->bytes.begin() + static_cast<std::ptrdiff_t>(at + item));
      out_.emplace(
          module + ".gate_up_proj" + (part == "scale" ? "_scale_inv" : ""),
          std::move(both));
    }
  }

  CheckpointFiles files_;
  RelayOptions options_;
  nlohmann::json config_;
  nlohmann::json plan_ = nlohmann::json::object();
  std::map<std::string, Parts> modules_;  // the release's
  std::map<std::string, RelayedTensor> out_;
};

void write_shard(
    const std::filesystem::path& path,
    const std::map<std::string, RelayedTensor>& tensors,
    int number,
    nlohmann::json& weight_map) {
  std::vector<TensorDeclaration> declared;
  int i = 0;
  for (const auto& [name, tensor] : tensors)
    if (i++ % 2 == number)
      declared.push_back({name, tensor.dtype, tensor.shape});
  sort_for_alignment(declared);
  SafetensorsWriter writer(path, declared, {{"format", "mlx"}});
  for (const TensorDeclaration& tensor : declared) {
    writer.write(tensors.at(tensor.name).bytes);
    weight_map[tensor.name] = path.filename().string();
  }
  writer.finish();
}

void Relay::write(const std::filesystem::path& directory) const {
  std::filesystem::create_directories(directory);
  nlohmann::json weight_map;
  for (int shard = 0; shard < 2; ++shard)
    write_shard(
        directory / fmt::format("model-{:05}-of-00002.safetensors", shard + 1),
        out_,
        shard,
        weight_map);
  write_text(
      directory / "model.safetensors.index.json",
      nlohmann::json{{"metadata", {}}, {"weight_map", weight_map}}.dump());
  nlohmann::json config = config_;
  if (!transformers()) {
    nlohmann::json plan = plan_;
    plan["group_size"] = 64;
    plan["bits"] = 4;
    config["quantization"] = plan;
    config["quantization_config"] = plan;
  }
  write_text(directory / "config.json", config.dump());
  for (const auto& entry :
       std::filesystem::directory_iterator(files_.directory())) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("tokenizer") || name == "generation_config.json")
      std::filesystem::copy_file(entry.path(), directory / name);
  }
}

}  // namespace

void relay_checkpoint(
    const std::filesystem::path& source,
    const std::filesystem::path& directory,
    const RelayOptions& options) {
  Relay relay(source, options);
  relay.convert();
  relay.write(directory);
}

}  // namespace hadal::testing
