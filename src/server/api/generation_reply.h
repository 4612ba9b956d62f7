// The answer to a request that generates: submits its choices, and lets the
// ApiCall write what becomes of them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "server/api/answer_mailbox.h"
#include "server/api/api_call.h"
#include "server/api/api_error.h"
#include "server/api/served_model.h"
#include "server/api/service_metrics.h"
#include "server/service.h"

namespace hadal {

// What lives longer than any reply and than the engine's observers.
struct ServingParts {
  const ServedModel& served;
  Engine& engine;
  ServiceMetrics& metrics;
};

// Submits the call's choices. A queue that is full, or an option out of range,
// gives a reply that says so; `route` is for the metrics.
std::unique_ptr<Reply> start_generation(
    std::unique_ptr<ApiCall> call,
    const ServingParts& parts,
    ApiFamily family,
    std::string_view route);

class GenerationReply : public Reply {
 public:
  // Throws EngineBusy and Error as Engine::submit does.
  GenerationReply(
      std::unique_ptr<ApiCall> call,
      const ServingParts& parts,
      ApiFamily family,
      std::string_view route);
  // Cancels what has not ended.
  ~GenerationReply() override;

  int status() const override;
  std::string content_type() const override;
  std::vector<std::pair<std::string, std::string>> headers() const override;
  bool is_stream() const override { return streams_; }
  void start(std::function<void()> ready) override;
  BodyPiece take() override;
  std::string keep_alive() override;

 private:
  void submit();
  void cancel();
  std::string write(const AnswerPiece& piece);
  std::string write_progress();
  BodyPiece write_failure(std::string before, const ApiError& error);

  std::unique_ptr<ApiCall> call_;
  ServingParts parts_;
  ApiFamily family_;
  std::string route_;
  bool streams_;
  std::shared_ptr<AnswerMailbox> mailbox_;
  std::vector<RequestId> ids_;
  size_t unfinished_ = 0;
  bool begun_ = false;
  bool generates_ = false;
  int64_t progress_ = -1;
  // The status is out: 200, whatever comes.
  mutable bool committed_ = false;
  bool complete_ = false;
  int final_status_ = 499;  // for the metrics: the client went away
};

}  // namespace hadal
