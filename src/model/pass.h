// What every step of a forward pass is handed.
#pragma once

#include "base/thread_team.h"
#include "kernels/backend.h"
#include "model/chunk.h"
#include "model/network.h"
#include "model/workspace.h"

namespace hadal {

struct Pass {
  const Network& network;
  const Backend& backend;
  ThreadTeam& team;
  Workspace& work;
  const Chunk& chunk;

  const ModelConfig& config() const { return network.config; }
};

}  // namespace hadal
