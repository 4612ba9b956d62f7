// Every kernel of a backend against the reference, over the case tables: what
// `hadal doctor` prints and what the tests walk over.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/backend.h"

namespace hadal {

// One case of one kernel. `max_error` is the largest difference from the
// reference in units of the case's own scale, which its table states; a
// position where only one of the two is NaN or infinite counts as infinite
// error.
struct KernelCheck {
  std::string kernel;
  std::string case_name;
  double max_error = 0;
  double tolerance = 0;
  double seconds_reference = 0;
  double seconds = 0;
  bool ok = false;      // max_error <= tolerance
  uint64_t digest = 0;  // of the outputs' bits; every NaN counts as the same
};

// Each appends the cases of one operation; defined in <op>/<op>_check.cpp.
void check_linear(const Backend&, ThreadTeam&, std::vector<KernelCheck>&);
void check_linear_many(const Backend&, ThreadTeam&, std::vector<KernelCheck>&);
void check_experts(const Backend&, ThreadTeam&, std::vector<KernelCheck>&);
void check_router(const Backend&, ThreadTeam&, std::vector<KernelCheck>&);
void check_rms_norm(const Backend&, ThreadTeam&, std::vector<KernelCheck>&);
void check_rotary(const Backend&, ThreadTeam&, std::vector<KernelCheck>&);
void check_hyper_connection(
    const Backend&, ThreadTeam&, std::vector<KernelCheck>&);
void check_activation_rounding(
    const Backend&, ThreadTeam&, std::vector<KernelCheck>&);
void check_compressor_pool(
    const Backend&, ThreadTeam&, std::vector<KernelCheck>&);
void check_indexer(const Backend&, ThreadTeam&, std::vector<KernelCheck>&);
void check_sparse_attention(
    const Backend&, ThreadTeam&, std::vector<KernelCheck>&);
void check_compress(const Backend&, ThreadTeam&, std::vector<KernelCheck>&);
void check_store_rows(const Backend&, ThreadTeam&, std::vector<KernelCheck>&);
void check_finish_rows(const Backend&, ThreadTeam&, std::vector<KernelCheck>&);
void check_streams(const Backend&, ThreadTeam&, std::vector<KernelCheck>&);

// All of the above.
std::vector<KernelCheck> check_backend(const Backend& backend, ThreadTeam&);

}  // namespace hadal
