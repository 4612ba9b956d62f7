// Submitting, writing, cancelling.
#include "server/api/generation_reply.h"

#include "server/api/choice_stream.h"
#include "server/api/ready_reply.h"

namespace hadal {

std::unique_ptr<Reply> start_generation(
    std::unique_ptr<ApiCall> call,
    const ServingParts& parts,
    ApiFamily family,
    std::string_view route) {
  ApiError error;
  try {
    return std::make_unique<GenerationReply>(
        std::move(call), parts, family, route);
  } catch (const EngineBusy& busy) {
    error.status = 503;
    error.message = busy.what();
    error.retry_after_seconds = busy.retry_after_seconds();
  } catch (const Error& failed) {
    error = api_error(failed);
  }
  parts.metrics.count_request(route, error.status);
  return error_reply(family, error);
}

GenerationReply::GenerationReply(
    std::unique_ptr<ApiCall> call,
    const ServingParts& parts,
    ApiFamily family,
    std::string_view route)
    : call_(std::move(call)),
      parts_(parts),
      family_(family),
      route_(route),
      streams_(call_->streams()),
      mailbox_(std::make_shared<AnswerMailbox>(
          call_->choices.size(),
          streams_,
          call_->wants_progress(),
          parts.served.limits.max_waiting_bytes)),
      unfinished_(call_->choices.size()) {
  try {
    submit();
  } catch (...) {
    cancel();
    throw;
  }
}

void GenerationReply::submit() {
  std::vector<ChoiceRequest> choices = std::exchange(call_->choices, {});
  for (size_t i = 0; i < choices.size(); ++i) {
    choices[i].engine.observer = std::make_shared<ChoiceStream>(
        i, choices[i], mailbox_, parts_.served, parts_.metrics);
    ids_.push_back(parts_.engine.submit(std::move(choices[i].engine)));
  }
}

void GenerationReply::cancel() {
  mailbox_->close();
  for (RequestId id : ids_)
    parts_.engine.cancel(id);
}

GenerationReply::~GenerationReply() {
  if (!complete_)
    cancel();
  parts_.metrics.count_request(route_, final_status_);
}

int GenerationReply::status() const {
  if (!streams_ && !committed_)
    if (std::optional<ApiError> error = mailbox_->failure())
      return error->status;
  committed_ = true;
  return 200;
}

std::string GenerationReply::content_type() const {
  return streams_ ? "text/event-stream" : "application/json";
}

std::vector<std::pair<std::string, std::string>> GenerationReply::headers()
    const {
  if (streams_)
    return {{"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}};
  if (!committed_)
    if (std::optional<ApiError> error = mailbox_->failure())
      return error_headers(*error);
  return {};
}

void GenerationReply::start(std::function<void()> ready) {
  mailbox_->listen(std::move(ready));
}

BodyPiece GenerationReply::take() {
  BodyPiece out;
  if (complete_) {
    out.last = true;
    return out;
  }
  AnswerMailbox::Taken taken = mailbox_->take();
  if (!begun_) {
    begun_ = true;
    out.bytes += call_->begin();
  }
  for (const AnswerPiece& piece : taken.pieces)
    out.bytes += write(piece);
  if (!generates_ && call_->wants_progress())
    out.bytes += write_progress();
  if (taken.failure)
    return write_failure(std::move(out.bytes), *taken.failure);
  if (unfinished_ == 0) {
    out.bytes += call_->finish();
    out.last = true;
    complete_ = true;
    final_status_ = 200;
  }
  return out;
}

std::string GenerationReply::write_progress() {
  auto [done, total] = mailbox_->progress();
  if (total == 0 || done == progress_)
    return {};
  progress_ = done;
  return call_->progress(done, total);
}

std::string GenerationReply::write(const AnswerPiece& piece) {
  if (const auto* start = std::get_if<EngineStart>(&piece.what))
    return call_->started(piece.choice, *start);
  generates_ = true;
  if (const auto* update = std::get_if<AnswerUpdate>(&piece.what))
    return call_->update(piece.choice, update->events, update->tokens);
  --unfinished_;
  return call_->end_choice(piece.choice, std::get<ChoiceEnd>(piece.what));
}

BodyPiece GenerationReply::write_failure(
    std::string before, const ApiError& error) {
  // Choices that go on have no reader any more.
  cancel();
  complete_ = true;
  final_status_ = error.status;
  if (streams_)
    return {std::move(before) + call_->fail(error), true, true};
  // A 200 that is out already cannot be taken back, but the answer can be seen
  // not to be whole.
  return {error_json(family_, error), true, committed_ && !streams_};
}

std::string GenerationReply::keep_alive() {
  if (!streams_)
    return "\n";
  auto [done, total] = mailbox_->progress();
  return call_->keep_alive(done, total);
}

}  // namespace hadal
