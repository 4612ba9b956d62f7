// One choice on the engine's thread: tokens become bytes, bytes become events,
// and these go to the mailbox.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "engine/engine_request.h"
#include "server/api/answer_mailbox.h"
#include "server/api/api_call.h"
#include "server/api/replay_store.h"
#include "server/api/served_model.h"
#include "server/api/service_metrics.h"
#include "text/output_parser.h"
#include "text/stop_scanner.h"
#include "text/utf8.h"

namespace hadal {

class ChoiceStream : public EngineObserver {
 public:
  // Takes the parser's options and tools of `request`. `served` and `metrics`
  // must outlive the engine.
  ChoiceStream(
      size_t choice,
      ChoiceRequest& request,
      std::shared_ptr<AnswerMailbox> mailbox,
      const ServedModel& served,
      ServiceMetrics& metrics);

  void on_start(const EngineStart& start) override;
  void on_prompt(int64_t done, int64_t total) override;
  Continue on_token(const EngineToken& token) override;
  void on_end(const EngineEnd& end) override;

 private:
  using Clock = std::chrono::steady_clock;

  std::vector<ChatEvent> read(std::string_view bytes);
  ChatEnd read_end(OutputEnd end);
  bool done() const;
  const std::string& stop_string() const;
  void record(int32_t id, std::string_view bytes);
  void remember(ChatFinish finish);
  void measure_token();
  void measure_end(const EngineEnd& end, ChatFinish finish);

  const size_t choice_;
  const std::shared_ptr<AnswerMailbox> mailbox_;
  const ServedModel& served_;
  ServiceMetrics& metrics_;
  const bool wants_tokens_;

  // Either the parser, or for raw text: whole characters and stop strings.
  std::optional<OutputParser> parser_;
  Utf8Stream utf8_;
  StopScanner stops_;

  // For the replay store: what was generated, and what became of it.
  bool records_ = false;
  bool whole_block_ = false;  // the block of calls may be kept as generated
  bool raw_in_reasoning_ = false;
  RawText raw_reasoning_;
  RawText raw_answer_;
  ChatAnswerBuilder answer_;

  const Clock::time_point accepted_;
  std::optional<Clock::time_point> last_token_;
};

// What a client is told of an end that is no answer; nothing for the others.
std::optional<ApiError> end_error(const EngineEnd& end);

}  // namespace hadal
