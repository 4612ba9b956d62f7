// How much an error in each input channel of a product counts: the mean square
// of what comes in, measured by `hadal eval importance`.
//
// The file is a safetensors file: for every matrix NAME of the release
// ("layers.3.attn.wq_a") a tensor NAME, F32 [columns]. All experts of a layer
// read the same vectors, so w1 and w3 have one, "layers.3.ffn.experts.*.w1",
// and every expert its own w2, "layers.3.ffn.experts.7.w2". For every layer
// "layers.N.ffn.experts.use", F32 [experts] is the share of tokens that each
// expert saw. NAME.moments, F32 [columns, block], says which channels go
// together (input_moments.h); matrices that read the same vectors share one,
// under the name of moments_holder. Its metadata has "format":
// "hadal-importance-1".
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "convert/input_moments.h"
#include "convert/source_tensors.h"

namespace hadal {

class Importance {
 public:
  Importance() = default;
  // Throws Error: not_found, io; corrupt for a file of another form, a negative
  // or not finite entry.
  explicit Importance(const std::filesystem::path& path);

  // [columns] of an item of a matrix, or null when nothing is known.
  const float* channels(const SourceTensor& source, int64_t item) const;

  // How the channels of an item go together, or null when nothing is known.
  const InputMoments* moments(const SourceTensor& source, int64_t item) const;

  // The share of tokens an expert saw; 0 when nothing is known.
  float use(BlockIndex block, int64_t expert) const;

  void set(std::string name, std::vector<float> values) {
    values_.insert_or_assign(std::move(name), std::move(values));
  }
  void set_moments(std::string name, InputMoments moments) {
    moments_.insert_or_assign(std::move(name), std::move(moments));
  }
  // Throws Error(invalid_argument) when a tensor that is there does not have
  // the columns of the model's matrix, or none fits at all.
  void require_fit(const std::vector<SourceTensor>& tensors) const;
  void save(const std::filesystem::path& path) const;
  bool empty() const { return values_.empty(); }
  // Whether every number is finite: not so for a model with a broken weight.
  bool finite() const;
  // Of all numbers: equal files have equal hashes.
  uint64_t hash() const;

 private:
  std::map<std::string, std::vector<float>> values_;
  std::map<std::string, InputMoments> moments_;
};

}  // namespace hadal
