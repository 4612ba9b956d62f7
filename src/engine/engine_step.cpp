// One step: who feeds how many tokens, the run, and what to do when it fails.
#include <algorithm>
#include <new>
#include <utility>

#include "base/log.h"
#include "engine/engine_loop.h"

namespace hadal {
namespace {

using State = EngineSequence::State;

}  // namespace

EngineLoop::Pieces EngineLoop::plan_step() {
  Pieces pieces;
  const auto add = [&](EngineSequence& sequence, int64_t tokens) {
    pieces.push_back({&sequence, tokens, tokens == sequence.left()});
  };
  for (const auto& sequence : live_) {
    if (sequence->suspect && sequence->state != State::ended) {
      add(*sequence, std::min(sequence->left(), model_.chunk_tokens));
      return pieces;
    }
  }
  for (const auto& sequence : live_)
    if (sequence->decodes())
      add(*sequence, 1);

  const int64_t most =
      model_.chunk_tokens - static_cast<int64_t>(pieces.size());
  const int64_t budget =
      pieces.empty()
          ? most
          : times_.prompt_tokens_within(options_.max_stall_ms / 1000, most);
  std::vector<PromptReader> readers;
  std::vector<EngineSequence*> reading;
  for (const auto& sequence : live_) {
    if (sequence->state != State::reading)
      continue;
    readers.push_back(
        {sequence->request.client,
         sequence->kept.piece(
             sequence->length(),
             sequence->left(),
             model_.layout->rewind_tokens)});
    reading.push_back(sequence.get());
  }
  const std::vector<int64_t> shares = shares_.share(readers, budget);
  for (size_t i = 0; i < reading.size(); ++i)
    if (shares[i] > 0)
      add(*reading[i], shares[i]);
  return pieces;
}

void EngineLoop::run_step(const Pieces& pieces) {
  std::vector<BatchEntry> batch;
  std::vector<int64_t> last(pieces.size());
  int64_t wanted = 0;
  int64_t read = 0;
  int64_t decoded = 0;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const Piece& piece = pieces[i];
    last[i] = piece.tokens - 1;
    batch.push_back(
        {.cache = &*piece.sequence->cache,
         .tokens = piece.sequence->next(piece.tokens),
         .logits_at = {&last[i], piece.to_the_end ? size_t{1} : size_t{0}}});
    wanted += piece.to_the_end ? 1 : 0;
    (piece.sequence->decodes() ? decoded : read) += piece.tokens;
  }
  logits_.resize(static_cast<size_t>(wanted * model_.vocabulary));

  const auto start = EngineClock::now();
  const auto seconds = [&] {
    return std::chrono::duration<double>(EngineClock::now() - start).count();
  };
  try {
    model_.run(batch, logits_.data());
  } catch (const DeviceLost& error) {
    totals_.executor_seconds += seconds();
    lose_device(error);
    return;
  } catch (const Error& error) {
    totals_.executor_seconds += seconds();
    if (error.code() == ErrorCode::resource)
      out_of_memory(pieces, error);
    else
      run_failed(pieces, error);
    return;
  } catch (const std::bad_alloc&) {
    totals_.executor_seconds += seconds();
    out_of_memory(
        pieces, Error(ErrorCode::resource, "the machine has no more memory"));
    return;
  } catch (const std::exception& error) {
    totals_.executor_seconds += seconds();
    run_failed(pieces, Error(ErrorCode::internal, error.what()));
    return;
  }
  const double ran = seconds();
  totals_.executor_seconds += ran;
  totals_.prompt_tokens += static_cast<uint64_t>(read);
  ++totals_.steps;
  times_.add(read, decoded, ran);
  take_results(pieces);
}

void EngineLoop::take_results(const Pieces& pieces) {
  Pieces ready;
  for (const Piece& piece : pieces) {
    EngineSequence& sequence = *piece.sequence;
    sequence.suspect = false;
    save_reached(sequence, sequence.length() - piece.tokens);
    if (sequence.state == State::reading && sequence.answer.tokens() == 0)
      sequence.request.observer->on_prompt(
          sequence.length(), sequence.prompt_tokens);
    if (piece.to_the_end)
      ready.push_back(piece);
  }
  choose_tokens(ready);
}

// Nothing was computed. The plan was wrong, or memory is used by others: the
// next attempt has more, or the sequence that is left cannot have what it
// needs.
void EngineLoop::out_of_memory(const Pieces& pieces, const Error& error) {
  for (const Piece& piece : pieces)
    repair(*piece.sequence);
  if (!release_something())
    end(*pieces.front().sequence, EngineFinish::failed, -1, error);
}

// Who caused it shows when each runs alone.
void EngineLoop::run_failed(const Pieces& pieces, const Error& error) {
  log(LogLevel::error,
      "engine",
      "a run of {} sequences failed: {}",
      pieces.size(),
      error.what());
  for (const Piece& piece : pieces) {
    repair(*piece.sequence);
    piece.sequence->suspect = true;
  }
  if (pieces.size() == 1)
    end(*pieces.front().sequence, EngineFinish::failed, -1, error);
}

// After a run that threw: back to a state whose next token can be fed.
void EngineLoop::repair(EngineSequence& sequence) {
  SequenceCache& cache = *sequence.cache;
  if (!cache.poisoned() &&
      (sequence.left() > 0 || cache.rewind(cache.length() - 1)))
    return;
  sequence.cache.reset();
  find_prefix(sequence);
}

}  // namespace hadal
