#include "hadal/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "cache/sequence_file.h"
#include "cache/timeline.h"
#include "engine/model_implementation.h"
#include "hadal/error.h"

namespace hadal {

struct Session::State {
  Model model;
  Timeline timeline;
  std::vector<float> logits;

  const Model::Implementation& implementation() const {
    return *model.implementation();
  }
  void check(std::span<const int32_t> tokens) const;
  void catch_up(int64_t before, std::span<const int32_t> piece);
  void run(
      std::span<const int32_t> piece,
      std::span<const int64_t> logits_at,
      float* out,
      const FeedOptions& options,
      int64_t done,
      int64_t total);
};

namespace {

RunHooks make_hooks(const FeedOptions& options, int64_t done, int64_t total) {
  RunHooks hooks{.stop = options.stop};
  if (options.on_progress)
    hooks.on_progress = [&options, done, total](int64_t piece, int64_t) {
      options.on_progress(done + piece, total);
    };
  if (options.on_layer)
    hooks.on_layer = [&options](
                         int64_t layer,
                         int64_t,
                         int64_t first,
                         std::span<const float> streams) {
      options.on_layer(layer, first, streams);
    };
  return hooks;
}

// Sorted offsets into the fed tokens.
std::vector<int64_t> wanted_logits(const FeedOptions& options, int64_t total) {
  if (options.all_logits) {
    std::vector<int64_t> all(static_cast<size_t>(total));
    for (int64_t i = 0; i < total; ++i)
      all[static_cast<size_t>(i)] = i;
    return all;
  }
  if (options.logits_at.empty())
    return {total - 1};
  int64_t previous = -1;
  for (int64_t offset : options.logits_at) {
    if (offset <= previous || offset >= total)
      throw Error(
          ErrorCode::invalid_argument,
          fmt::format(
              "logits_at: found {}, expected increasing offsets below the {} "
              "fed tokens",
              offset,
              total));
    previous = offset;
  }
  return options.logits_at;
}

}  // namespace

void Session::State::check(std::span<const int32_t> tokens) const {
  const ModelInfo& info = model.info();
  if (tokens.empty())
    throw Error(
        ErrorCode::invalid_argument,
        "tokens: found none, expected one or more");
  for (size_t i = 0; i < tokens.size(); ++i)
    if (tokens[i] < 0 || tokens[i] >= info.vocabulary)
      throw Error(
          ErrorCode::invalid_argument,
          fmt::format(
              "tokens[{}]: found id {}, expected 0 to {}",
              i,
              tokens[i],
              info.vocabulary - 1));
  const int64_t length =
      timeline.length() + static_cast<int64_t>(tokens.size());
  if (length > info.context)
    throw Error(
        ErrorCode::resource,
        fmt::format(
            "context: {} tokens do not fit in the {} of this session; shorten "
            "the prompt or load the model with a larger context",
            length,
            info.context));
}

// Feeds a piece and keeps the timeline in step with the cache, also when the
// run ends early. Snapshots give way when there is no memory for the next
// token.
void Session::State::run(
    std::span<const int32_t> piece,
    std::span<const int64_t> logits_at,
    float* out,
    const FeedOptions& options,
    int64_t done,
    int64_t total) {
  const BatchEntry entry{
      .cache = &timeline.cache(), .tokens = piece, .logits_at = logits_at};
  const int64_t before = timeline.length();
  while (true) {
    try {
      implementation().executor->run(
          {&entry, 1},
          out,
          make_hooks(options, done, total),
          options.chunk_tokens);
      timeline.append(piece);
      return;
    } catch (const Error& error) {
      catch_up(before, piece);
      if (error.code() != ErrorCode::resource || timeline.length() != before ||
          !timeline.release_snapshot())
        throw;
    } catch (...) {
      catch_up(before, piece);
      throw;
    }
  }
}

// After a run that threw: what the cache holds of the piece joins the timeline.
// Where the pass broke off beyond repair, the nearest snapshot is taken up; the
// session is then shorter than before.
void Session::State::catch_up(int64_t before, std::span<const int32_t> piece) {
  if (timeline.cache().poisoned()) {
    timeline.rewind_to(before);
    return;
  }
  const int64_t advanced = timeline.cache().length() - timeline.length();
  if (advanced > 0)
    timeline.append(piece.first(static_cast<size_t>(advanced)));
}

Session::Session(Model model)
    : state_(new State{
          model,
          Timeline(
              model.implementation()->layout, model.implementation()->pool),
          {}}) {}

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

const Model& Session::model() const {
  return state_->model;
}

int64_t Session::length() const {
  return state_->timeline.length();
}

std::span<const int32_t> Session::tokens() const {
  return state_->timeline.tokens();
}

std::span<const float> Session::feed(
    std::span<const int32_t> tokens, const FeedOptions& options) {
  State& state = *state_;
  state.check(tokens);
  const auto total = static_cast<int64_t>(tokens.size());
  const std::vector<int64_t> wanted = wanted_logits(options, total);
  const int64_t vocabulary = state.model.info().vocabulary;
  state.logits.resize(wanted.size() * static_cast<size_t>(vocabulary));

  size_t written = 0;
  for (int64_t done = 0; done < total;) {
    // Pieces are as long as the executor's chunks and end where the timeline
    // can take a snapshot.
    const int64_t most = std::min(
        total - done,
        state.implementation().executor->chunk_tokens(
            state.model.options().mtp));
    const int64_t count =
        std::min(total - done, state.timeline.tokens_until_snapshot(most));
    std::vector<int64_t> at;
    while (written + at.size() < wanted.size() &&
           wanted[written + at.size()] < done + count)
      at.push_back(wanted[written + at.size()] - done);
    state.run(
        tokens.subspan(static_cast<size_t>(done), static_cast<size_t>(count)),
        at,
        state.logits.data() + written * static_cast<size_t>(vocabulary),
        options,
        done,
        total);
    written += at.size();
    done += count;
  }
  return state.logits;
}

std::span<const float> Session::advance_to(
    std::span<const int32_t> tokens,
    const FeedOptions& options,
    int64_t* reused) {
  if (tokens.empty())
    state_->check(tokens);
  // The last token is always fed, for its logits.
  const int64_t shared = std::min(
      state_->timeline.common_prefix(tokens),
      static_cast<int64_t>(tokens.size()) - 1);
  const int64_t kept = state_->timeline.rewind_to(shared);
  if (reused != nullptr)
    *reused = kept;
  return feed(tokens.subspan(static_cast<size_t>(kept)), options);
}

void Session::rewind(int64_t length) {
  State& state = *state_;
  if (length < 0 || length > state.timeline.length())
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format(
            "rewind: found length {}, expected 0 to {}",
            length,
            state.timeline.length()));
  const std::vector<int32_t> past(
      state.timeline.tokens().begin(),
      state.timeline.tokens().begin() + length);
  const int64_t reached = state.timeline.rewind_to(length);
  if (reached < length)
    feed(std::span(past).subspan(static_cast<size_t>(reached)));
}

Session Session::fork() const {
  return Session(std::unique_ptr<State>(
      new State{state_->model, state_->timeline.fork(), {}}));
}

std::span<const float> Session::draft(int32_t next) {
  State& state = *state_;
  if (!state.model.options().mtp)
    throw Error(
        ErrorCode::unsupported,
        "draft: the model was loaded without its next-token module; set "
        "ModelOptions::mtp");
  if (state.timeline.length() == 0)
    throw Error(
        ErrorCode::invalid_argument,
        "draft: the session is empty; feed at least one token first");
  const int64_t vocabulary = state.model.info().vocabulary;
  if (next < 0 || next >= vocabulary)
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format(
            "draft: found token id {}, expected 0 to {}",
            next,
            vocabulary - 1));
  state.logits.resize(static_cast<size_t>(vocabulary));
  state.implementation().executor->draft(
      state.timeline.cache(), next, state.logits.data());
  return state.logits;
}

void Session::save(const std::filesystem::path& file) const {
  const SequenceCache& cache = state_->timeline.cache();
  const int64_t reach = cache.length() - cache.rewind_floor();
  save_sequence(
      file,
      cache.snapshot(cache.length(), reach),
      state_->timeline.tokens(),
      state_->model.info().fingerprint);
}

Session Session::load(Model model, const std::filesystem::path& file) {
  const Model::Implementation& implementation = *model.implementation();
  SavedSequence saved = load_sequence(
      file,
      implementation.layout,
      implementation.pool,
      implementation.info.fingerprint);
  if (saved.state.length() > implementation.info.context)
    throw Error(
        ErrorCode::resource,
        fmt::format(
            "{}: holds {} tokens, but the session's context is {}",
            file.string(),
            saved.state.length(),
            implementation.info.context));
  return Session(std::unique_ptr<State>(new State{
      std::move(model), Timeline(std::move(saved.tokens), saved.state), {}}));
}

}  // namespace hadal
