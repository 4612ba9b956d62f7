// Names in files -> places in the model, by the table of tensor_registry.cpp.
#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "weights/tensor_registry.h"

namespace hadal {
namespace {

// Tables from a spelled path to the tensor: model, layer, MTP stage.
struct NameTables {
  using Table = std::unordered_map<std::string_view, TensorId>;
  Table model;
  Table layer;
  Table mtp;

  NameTables() {
    for (const TensorRule& rule : tensor_rules()) {
      Table& table = rule.scope == TensorScope::model   ? model
                     : rule.scope == TensorScope::layer ? layer
                                                        : mtp;
      for (std::string_view spelled : rule.names)
        if (!spelled.empty())
          table.emplace(spelled, rule.id);
    }
  }
};

const NameTables& tables() {
  static const NameTables built;
  return built;
}

bool drop_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix))
    return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool drop_suffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix))
    return false;
  text.remove_suffix(suffix.size());
  return true;
}

// A decimal number without leading zeros, at most 6 digits; -1 otherwise.
int64_t parse_number(std::string_view digits) {
  if (digits.empty() || digits.size() > 6 ||
      (digits.size() > 1 && digits.front() == '0'))
    return -1;
  int64_t value = -1;
  const char* end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), end, value);
  return error == std::errc() && stopped == end && digits.front() != '-' ? value
                                                                         : -1;
}

// "layers.12.attn.wkv" -> block 12, "attn.wkv" left.
bool take_block(std::string_view& path, BlockIndex& block) {
  std::string_view rest = path;
  if (drop_prefix(rest, "layers."))
    block.scope = TensorScope::layer;
  else if (drop_prefix(rest, "mtp."))
    block.scope = TensorScope::mtp;
  else
    return true;
  const size_t dot = rest.find('.');
  if (dot == std::string_view::npos)
    return false;
  block.number = parse_number(rest.substr(0, dot));
  path = rest.substr(dot + 1);
  return block.number >= 0;
}

const TensorId* look_up(const NameTables::Table& table, std::string_view path) {
  const auto found = table.find(path);
  return found == table.end() ? nullptr : &found->second;
}

const TensorId* look_up(TensorScope scope, std::string_view path) {
  if (scope == TensorScope::model)
    return look_up(tables().model, path);
  if (scope == TensorScope::mtp)
    if (const TensorId* id = look_up(tables().mtp, path))
      return id;
  return look_up(tables().layer, path);
}

// Replaces the one segment that is a number by '#'.
std::string without_number(std::string_view path, int64_t& number) {
  std::string out;
  while (!path.empty()) {
    const size_t dot = std::min(path.find('.'), path.size());
    const std::string_view segment = path.substr(0, dot);
    const int64_t value = number < 0 ? parse_number(segment) : -1;
    if (value >= 0)
      number = value;
    out += value >= 0 ? "#" : segment;
    if (dot < path.size())
      out += '.';
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return out;
}

struct Path {
  BlockIndex block;
  std::string text;
  int64_t number = -1;
};

std::optional<Path> parse_path(std::string_view name) {
  drop_prefix(name, "language_model.");
  drop_prefix(name, "model.");
  Path path;
  if (!take_block(name, path.block))
    return std::nullopt;
  path.text = without_number(name, path.number);
  return path;
}

// The release's and transformers' `.scale` of a matrix, MLX's `.scales`.
bool drop_scale_suffix(std::string_view& text) {
  return drop_suffix(text, ".scale") || drop_suffix(text, ".scales") ||
         drop_suffix(text, ".weight_scale_inv") ||
         drop_suffix(text, "_scale_inv");
}

}  // namespace

std::optional<TensorPlace> parse_tensor_name(std::string_view name) {
  const std::optional<Path> path = parse_path(name);
  if (!path)
    return std::nullopt;
  TensorPlace place;
  place.block = path->block;
  place.index = path->number;
  std::string_view text = path->text;

  // Whole names first: "hc_attn.scale" is a tensor, not the scale of one.
  // Transformers keeps the stacked experts as parameters without a suffix.
  const TensorId* id = look_up(place.block.scope, text);
  if (id != nullptr &&
      (!rule(*id).weight_suffix || text.starts_with("mlp.experts."))) {
    place.id = *id;
    return place;
  }
  if (drop_suffix(text, ".weight"))
    place.part = TensorPart::weight;
  else if (drop_suffix(text, ".biases"))
    place.part = TensorPart::biases;
  else if (drop_scale_suffix(text))
    place.part = TensorPart::scales;
  else
    return std::nullopt;
  id = look_up(place.block.scope, text);
  if (id == nullptr || !rule(*id).weight_suffix)
    return std::nullopt;
  place.id = *id;
  return place;
}

std::optional<TensorPlace> parse_module_path(std::string_view spelled) {
  const std::optional<Path> path = parse_path(spelled);
  if (!path)
    return std::nullopt;
  const TensorId* id = look_up(path->block.scope, path->text);
  if (id == nullptr)
    return std::nullopt;
  return TensorPlace{*id, path->block, path->number, TensorPart::weight};
}

std::string release_name(TensorId id, BlockIndex block, int64_t index) {
  std::string out;
  if (block.scope == TensorScope::layer)
    out = "layers." + std::to_string(block.number) + ".";
  else if (block.scope == TensorScope::mtp)
    out = "mtp." + std::to_string(block.number) + ".";
  for (char c : rule(id).names[0]) {
    if (c != '#')
      out += c;
    else
      out += index < 0 ? "*" : std::to_string(index);
  }
  if (index >= 0 && rule(id).names[0].find('#') == std::string_view::npos)
    out += "." + std::to_string(index);
  return out;
}

}  // namespace hadal
