#include "model/mtp.h"

#include "model/block.h"
#include "model/embedding.h"
#include "model/products.h"

namespace hadal {

void run_mtp(const Pass& pass, const NetworkMtp& stage, float* streams) {
  const int64_t dim = pass.config().hidden_size;
  const int64_t n = pass.config().hc_mult;
  const int64_t tokens = pass.chunk.tokens();
  Workspace& work = pass.work;

  float* const embedded = work.embedded.reserve(tokens * dim);
  embed_tokens(pass, embedded);
  norm_rows(pass, embedded, stage.enorm, embedded, tokens, dim);
  float* const e = work.x.reserve(tokens * dim);
  product(pass, embedded, dim, stage.weights->e_proj, e, dim, tokens);

  norm_rows(pass, streams, stage.hnorm, streams, tokens * n, dim);
  float* const s = work.head_streams.reserve(tokens * n * dim);
  product(pass, streams, dim, stage.weights->h_proj, s, dim, tokens * n);
  pass.backend.add_to_streams(
      {.a = s, .b = e, .tokens = tokens, .n = n, .dim = dim, .out = streams},
      pass.team);

  run_blocks(pass, {&stage.block, 1}, streams);
}

}  // namespace hadal
