#include "model/embedding.h"

namespace hadal {
namespace {

void embed(const Pass& pass, int64_t copies, float* out) {
  pass.backend.embed(
      {.weight = pass.network.weights.embed,
       .ids = pass.chunk.ids.data(),
       .tokens = pass.chunk.tokens(),
       .copies = copies,
       .out = out},
      pass.team);
}

}  // namespace

void embed_tokens(const Pass& pass, float* out) {
  embed(pass, 1, out);
}

void embed_streams(const Pass& pass, float* streams) {
  embed(pass, pass.config().hc_mult, streams);
}

}  // namespace hadal
