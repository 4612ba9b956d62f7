#include "cli/verify/replay.h"

#include <fmt/format.h>

#include <algorithm>

#include "hadal/error.h"

namespace hadal::cli {
namespace {

// Design: exact runs differ from the recording only by the order of float32
// sums; a fast path may lose 1.5 times what the official bfloat16 code loses.
constexpr double kExactMean = 1e-5;
constexpr double kExactMax = 1e-3;
constexpr double kUnroundedMean = 1e-9;
constexpr double kExactTrace = 1e-3;
constexpr double kShareOfBfloat16 = 1.5;

// Mean KL between the recorded columns; empty when one of them is missing.
std::optional<double> recorded_kl(const GoldenCase& golden) {
  const GoldenColumn* const truth = golden.column("f32");
  const GoldenColumn* const rounded = golden.column("bf16");
  if (truth == nullptr || rounded == nullptr || truth->logits.empty() ||
      rounded->logits.empty())
    return std::nullopt;
  Statistics kl;
  for (int64_t i = 0; i < truth->logits.rows; ++i)
    kl.add(kl_divergence(truth->logits.row(i), rounded->logits.row(i)));
  return kl.mean();
}

bool within(const Statistics& kl, std::optional<double> mean_bar) {
  return !mean_bar || kl.empty() || kl.mean() <= *mean_bar;
}

// One case on one session.
class Replay {
 public:
  Replay(
      const Model& model,
      const GoldenCase& golden,
      const GoldenColumn& column,
      const ReplayOptions& options,
      CaseResult& result)
      : golden_(golden),
        column_(column),
        options_(options),
        result_(result),
        session_(model) {}

  void run() {
    const std::vector<float> last = feed_prompt();
    Session teacher = session_.fork();
    compare_greedy(last);
    compare_decode(teacher);
  }

 private:
  // Feeds the prompt, compares its positions and returns the logits of its last
  // token. It is cut where a draft of the next-token module is recorded; where
  // it is cut has no effect on any number.
  std::vector<float> feed_prompt() {
    const auto tokens = static_cast<int64_t>(golden_.ids.size());
    trace_.assign(column_.trace.size(), {});
    std::vector<float> last;
    int64_t begin = 0;
    while (begin < tokens) {
      const int64_t end = draft_wanted() ? next_cut(begin, tokens) : tokens;
      last = feed_part(begin, end);
      begin = end;
    }
    compare_trace();
    return last;
  }

  bool draft_wanted() const {
    return options_.mtp && !column_.mtp_logits.empty();
  }

  // Behind the first recorded position from `begin` on.
  int64_t next_cut(int64_t begin, int64_t tokens) const {
    const auto next = std::lower_bound(
        golden_.positions.begin(), golden_.positions.end(), begin);
    return next == golden_.positions.end() ? tokens : *next + 1;
  }

  std::vector<float> feed_part(int64_t begin, int64_t end) {
    const std::span<const int32_t> part =
        std::span(golden_.ids)
            .subspan(
                static_cast<size_t>(begin), static_cast<size_t>(end - begin));
    FeedOptions feed{.stop = options_.stop};
    std::vector<int64_t> rows;  // of the recording, one a wanted position
    for (size_t i = 0; i < golden_.positions.size(); ++i)
      if (golden_.positions[i] >= begin && golden_.positions[i] < end) {
        feed.logits_at.push_back(golden_.positions[i] - begin);
        rows.push_back(static_cast<int64_t>(i));
      }
    if (feed.logits_at.empty() || feed.logits_at.back() != end - begin - 1)
      feed.logits_at.push_back(end - begin - 1);
    if (!column_.trace.empty())
      feed.on_layer =
          [this](int64_t layer, int64_t first, std::span<const float> streams) {
            keep_trace(layer, first, streams);
          };

    const std::span<const float> logits = session_.feed(part, feed);
    const auto width = static_cast<size_t>(session_.model().info().vocabulary);
    if (!column_.logits.empty())
      for (size_t i = 0; i < rows.size(); ++i)
        result_.kl.add(kl_divergence(
            column_.logits.row(rows[i]), logits.subspan(i * width, width)));
    const std::span<const float> last = logits.last(width);
    std::vector<float> kept(last.begin(), last.end());
    if (draft_wanted() && !rows.empty())
      compare_draft(rows.back(), kept);
    return kept;
  }

  // The recorded draft pairs position p with the token behind it: the prompt's,
  // or for its last position the greedy one.
  void compare_draft(int64_t row, std::span<const float> logits) {
    const auto behind = static_cast<size_t>(session_.length());
    const int32_t next =
        behind < golden_.ids.size() ? golden_.ids[behind] : best(logits);
    result_.mtp_kl.add(
        kl_divergence(column_.mtp_logits.row(row), session_.draft(next)));
  }

  // Keeps what a chunk shows of the last recorded positions.
  void keep_trace(
      int64_t layer, int64_t first, std::span<const float> streams) {
    const GoldenRows& golden = column_.trace[static_cast<size_t>(layer)];
    std::vector<float>& kept = trace_[static_cast<size_t>(layer)];
    const int64_t start =
        static_cast<int64_t>(golden_.ids.size()) - golden.rows;
    const auto width = static_cast<size_t>(golden.width);
    for (size_t i = 0; i < streams.size() / width; ++i)
      if (first + static_cast<int64_t>(i) >= start) {
        const auto row = streams.subspan(i * width, width);
        kept.insert(kept.end(), row.begin(), row.end());
      }
  }

  void compare_trace() {
    for (size_t layer = 0; layer < column_.trace.size(); ++layer)
      result_.trace_errors.push_back(
          relative_error(column_.trace[layer].values, trace_[layer]));
  }

  static int32_t best(std::span<const float> logits) {
    return static_cast<int32_t>(
        std::max_element(logits.begin(), logits.end()) - logits.begin());
  }

  // Feeds the model's own choices; ties go to the lower id.
  void compare_greedy(std::span<const float> logits) {
    if (column_.greedy.empty())
      return;
    result_.greedy_tokens = static_cast<int64_t>(column_.greedy.size());
    result_.first_difference = -1;
    for (size_t i = 0; i < column_.greedy.size(); ++i) {
      const int32_t token = best(logits);
      if (token != column_.greedy[i]) {
        result_.first_difference = static_cast<int64_t>(i);
        return;
      }
      if (i + 1 < column_.greedy.size())
        logits = session_.feed({&token, 1}, {.stop = options_.stop});
    }
  }

  // Feeds the recorded tokens, so that each row has the recorded past.
  void compare_decode(Session& teacher) {
    for (int64_t i = 0; i < column_.decode_logits.rows; ++i) {
      const int32_t token = column_.greedy[static_cast<size_t>(i)];
      const std::span<const float> logits =
          teacher.feed({&token, 1}, {.stop = options_.stop});
      result_.decode_kl.add(
          kl_divergence(column_.decode_logits.row(i), logits));
    }
  }

  const GoldenCase& golden_;
  const GoldenColumn& column_;
  const ReplayOptions& options_;
  CaseResult& result_;
  Session session_;
  std::vector<std::vector<float>> trace_;  // as column_.trace
};

}  // namespace

bool CaseResult::pass() const {
  const bool greedy_fails = bars.greedy && first_difference && !greedy_equal();
  const bool trace_fails =
      bars.trace && std::any_of(
                        trace_errors.begin(),
                        trace_errors.end(),
                        [this](double error) { return error > *bars.trace; });
  return within(kl, bars.kl_mean) && within(mtp_kl, bars.kl_mean) &&
         within(decode_kl, bars.decode_kl_mean) &&
         (!bars.kl_max || std::max({kl.max(), decode_kl.max(), mtp_kl.max()}) <=
                              *bars.kl_max) &&
         !greedy_fails && !trace_fails;
}

std::string column_for(const ModelOptions& options) {
  return options.kv_fp8 || options.index_fp4 ? "f32" : "f32_unrounded";
}

Bars bars_for(const ModelOptions& options, const GoldenCase& golden) {
  const bool as_recorded =
      options.kv_fp8 == options.index_fp4 && !options.gemm_fp8;
  if (options.precision == Precision::exact && as_recorded) {
    const double mean = options.kv_fp8 ? kExactMean : kUnroundedMean;
    return {
        .kl_mean = mean,
        .kl_max = kExactMax,
        .decode_kl_mean = mean,
        .trace = kExactTrace,
        .greedy = true};
  }
  // The few decode positions of a sure answer differ by too little to compare
  // with: they are shown, not judged.
  Bars bars;
  if (const std::optional<double> kl = recorded_kl(golden))
    bars.kl_mean = kShareOfBfloat16 * *kl;
  return bars;
}

void require_column(const ModelOptions& options, const GoldenCase& golden) {
  const std::string column = column_for(options);
  if (golden.column(column) != nullptr)
    return;
  throw Error(
      ErrorCode::invalid_argument,
      fmt::format(
          "{}: case {} has no column {}, which these switches are compared "
          "with; {}",
          golden.file,
          golden.name,
          column,
          column == "f32" ? "f32_unrounded needs --kv-fp8 off --index-fp4 off"
                          : "f32 needs --kv-fp8 on --index-fp4 on"));
}

CaseResult replay(
    const Model& model,
    const GoldenCase& golden,
    const ReplayOptions& options) {
  require_column(model.options(), golden);
  CaseResult result{
      .name = golden.name,
      .column = column_for(model.options()),
      .bars = bars_for(model.options(), golden)};
  Replay(model, golden, *golden.column(result.column), options, result).run();
  return result;
}

}  // namespace hadal::cli
