// A number that tells checkpoints apart.
#pragma once

#include <cstdint>
#include <filesystem>

#include "checkpoint/checkpoint_files.h"

namespace hadal {

// At most this many tensors are sampled: each sample is a random read, and a
// checkpoint has up to 145,000 tensors on a disk that may turn.
inline constexpr int64_t kFingerprintSampledTensors = 1024;
inline constexpr uint64_t kFingerprintSampleBytes = 64;

// XXH3 over config.json, over each tensor's name, dtype, shape and offset, and
// over the first, middle and last kFingerprintSampleBytes of the tensors, or of
// kFingerprintSampledTensors of them at even distances when there are more.
// Depends on the contents alone, not on the path or the time: a copied
// directory has the same fingerprint. Two checkpoints that differ only in bytes
// between the samples share one, so this is no protection against forgery.
uint64_t fingerprint(
    const std::filesystem::path& directory, const CheckpointFiles& files);

}  // namespace hadal
