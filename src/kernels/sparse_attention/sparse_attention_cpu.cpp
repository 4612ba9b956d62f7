// Attention on the CPU: how a call is shared out among the threads. A token is
// done in steps (attention_token.h), best by one thread alone, since then
// nothing moves from core to core.
//   Many tokens: a thread takes groups of neighbours, which share the widened
//     window; compressed rows that all tokens see are widened once for the
//     call.
//   Few tokens: a thread takes a token with all or some of its heads.
//   Fewer than that: the team works on each step of one token after the other.
#include <algorithm>
#include <cstdint>

#include "base/aligned_buffer.h"
#include "kernels/sparse_attention/attention_token.h"
#include "kernels/sparse_attention/sparse_attention.h"
#include "kernels/work_items.h"

namespace hadal {
namespace {

constexpr int64_t kGroupTokens = 8;
constexpr int64_t kWidenSlots = 64;  // an item of widening
// From as many tokens a thread on, threads take groups.
constexpr int64_t kManyTokens = 4;

struct Scratch {
  AttentionScratch token;
  AttentionThreadScratch thread;
  AttentionRows window;                  // of a group
  AlignedBuffer<const std::byte*> rows;  // to widen
};
Scratch& scratch() {
  thread_local Scratch of_thread;
  return of_thread;
}
AttentionRows& shared_compressed() {
  thread_local AttentionRows of_thread;  // of the calling one
  return of_thread;
}

void attend_together(
    const SparseAttentionParams& params,
    const AttentionShape& shape,
    int64_t number,
    ThreadTeam& team) {
  AttentionToken token(params, shape, number, 0, {}, {}, scratch().token);
  token.prepare_queries(scratch().thread);
  for_each_item(team, token.score_runs(), [&](int64_t run) {
    token.score_run(run, scratch().thread);
  });
  for_each_item(team, token.weight_lanes(), [&](int64_t lane) {
    token.weigh_lane(lane);
  });
  for_each_item(team, token.value_groups(), [&](int64_t group) {
    token.add_values(group, scratch().thread);
  });
}

// Into how many parts a token's heads are cut so that every thread has about
// the same to do; 0: into none that would serve.
int64_t head_parts(
    const SparseAttentionParams& params,
    const AttentionShape& shape,
    int64_t threads) {
  const int64_t lanes = shape.padded_heads() / kHeadLanes;
  for (int64_t parts = 1; parts <= lanes; ++parts)
    if (lanes % parts == 0 && (params.tokens * parts % threads == 0 ||
                               params.tokens * parts >= 4 * threads))
      return parts;
  return 0;
}

void attend_apart(
    const SparseAttentionParams& params,
    const AttentionShape& shape,
    int64_t parts,
    ThreadTeam& team) {
  const int64_t heads = shape.padded_heads() / parts;
  for_each_item(team, params.tokens * parts, [&](int64_t item) {
    const int64_t first = item % parts * heads;
    AttentionShape part = shape;
    part.heads = std::min(heads, shape.heads - first);
    AttentionToken(params, part, item / parts, first, {}, {}, scratch().token)
        .run(scratch().thread);
  });
}

// Tokens [first, first + count), on the calling thread.
void attend_group(
    const SparseAttentionParams& params,
    const AttentionShape& shape,
    int64_t first,
    int64_t count,
    AttentionRows* compressed) {
  Scratch& mine = scratch();
  const AttentionList oldest(params, first);
  const AttentionList newest(params, first + count - 1);
  const int64_t overlap = newest.start() - oldest.start();
  const int64_t slots = overlap + newest.slots().window;
  const std::byte** const rows = mine.rows.reserve(slots);
  for (int64_t slot = 0; slot < slots; ++slot)
    rows[slot] = slot < overlap ? oldest.window_row(slot)
                                : newest.window_row(slot - overlap);
  mine.window.reserve(shape, slots);
  mine.window.fill(shape, params.window_layout, rows, 0, slots);

  for (int64_t t = first; t < first + count; ++t) {
    const int64_t slot = AttentionList(params, t).start() - oldest.start();
    AttentionToken(
        params, shape, t, 0, {&mine.window, slot}, {compressed, 0}, mine.token)
        .run(mine.thread);
  }
}

// The rows that the last token sees, which are those of all tokens.
AttentionRows* widen_compressed(
    const SparseAttentionParams& params,
    const AttentionShape& shape,
    ThreadTeam& team) {
  const AttentionList list(params, params.tokens - 1);
  const int64_t slots = list.slots().compressed;
  AttentionRows& shared = shared_compressed();
  shared.reserve(shape, slots);
  for_each_item(
      team, (slots + kWidenSlots - 1) / kWidenSlots, [&](int64_t item) {
        const int64_t first = item * kWidenSlots;
        const int64_t count = std::min(kWidenSlots, slots - first);
        const std::byte* rows[kWidenSlots];
        for (int64_t i = 0; i < count; ++i)
          rows[i] = list.compressed_row(first + i);
        shared.fill(shape, params.compressed.layout, rows, first, count);
      });
  return &shared;
}

}  // namespace

void sparse_attention_cpu(
    const SparseAttentionParams& params, ThreadTeam& team) {
  const AttentionShape shape{.heads = params.heads, .dim = params.dim};
  if (params.tokens >= kManyTokens * team.size()) {
    AttentionRows* compressed = nullptr;
    if (params.selected == nullptr && params.ratio != 0)
      compressed = widen_compressed(params, shape, team);
    const int64_t group =
        std::clamp<int64_t>(params.tokens / (2 * team.size()), 1, kGroupTokens);
    for_each_item(team, (params.tokens + group - 1) / group, [&](int64_t item) {
      const int64_t first = item * group;
      const int64_t count = std::min(group, params.tokens - first);
      attend_group(params, shape, first, count, compressed);
    });
    return;
  }
  if (const int64_t parts = head_parts(params, shape, team.size())) {
    attend_apart(params, shape, parts, team);
    return;
  }
  for (int64_t token = 0; token < params.tokens; ++token)
    attend_together(params, shape, token, team);
}

}  // namespace hadal
