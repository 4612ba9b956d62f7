#include "server/http/fixed_reply.h"
#include "server/http/testing.h"

namespace hadal::testing {

class ScriptedReply : public Reply {
 public:
  explicit ScriptedReply(std::shared_ptr<ReplyScript> script)
      : script_(std::move(script)) {}
  ~ScriptedReply() override {
    const std::lock_guard lock(script_->mutex_);
    script_->destroyed_ = true;
    script_->changed_.notify_all();
    // `ready_` stays: a producer may ring when nobody listens any more.
  }

  int status() const override { return script_->status; }
  std::string content_type() const override {
    return script_->stream ? "text/event-stream" : "application/json";
  }
  bool is_stream() const override { return script_->stream; }
  void start(std::function<void()> ready) override {
    std::unique_lock lock(script_->mutex_);
    script_->ready_ = std::move(ready);
    script_->started_ = true;
    script_->changed_.notify_all();
    if (!script_->next_.bytes.empty() || script_->next_.last)
      script_->ring(lock);
  }
  BodyPiece take() override {
    const std::lock_guard lock(script_->mutex_);
    return std::exchange(script_->next_, {});
  }
  std::string keep_alive() override { return script_->keep_alive; }

 private:
  std::shared_ptr<ReplyScript> script_;
};

void ReplyScript::ring(std::unique_lock<std::mutex>& lock) {
  const auto ready = ready_;
  lock.unlock();
  if (ready)
    ready();
}

void ReplyScript::push(const std::string& bytes) {
  std::unique_lock lock(mutex_);
  next_.bytes += bytes;
  ring(lock);
}

void ReplyScript::finish() {
  std::unique_lock lock(mutex_);
  next_.last = true;
  ring(lock);
}

void ReplyScript::break_off() {
  std::unique_lock lock(mutex_);
  next_.broken = true;
  ring(lock);
}

bool ReplyScript::wait_destroyed(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [this] { return destroyed_; });
}

bool ReplyScript::wait_started(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [this] { return started_; });
}

std::unique_ptr<Reply> scripted_reply(std::shared_ptr<ReplyScript> script) {
  return std::make_unique<ScriptedReply>(std::move(script));
}

std::shared_ptr<ReplyScript> FakeService::script(const std::string& path) {
  auto script = std::make_shared<ReplyScript>();
  const std::lock_guard lock(mutex_);
  scripts_[path].push_back(script);
  return script;
}

std::vector<HttpRequest> FakeService::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::unique_ptr<Reply> FakeService::handle(HttpRequest request) {
  const auto text = [](std::string body) {
    return std::make_unique<FixedReply>(200, "text/plain", std::move(body));
  };
  const std::lock_guard lock(mutex_);
  requests_.push_back(request);
  const auto script = scripts_.find(request.path);
  if (script != scripts_.end() && !script->second.empty()) {
    auto reply = scripted_reply(script->second.front());
    script->second.erase(script->second.begin());
    return reply;
  }
  if (request.path == "/health" || request.path == "/text")
    return text("fine\n");
  if (request.path == "/echo")
    return text(std::move(request.body));
  if (request.path == "/who")
    return text(request.client);
  if (request.path == "/large")
    return text(std::string(size_t{32} << 20, 'x'));
  if (request.path == "/query") {
    std::string out;
    for (const auto& [name, value] : request.query)
      out += name + "=" + value + ";";
    return text(std::move(out));
  }
  return std::make_unique<FixedReply>(
      404, "application/json", error_body(404, "no such route", request.path));
}

std::string FakeService::error_body(
    int status, const std::string& message, const std::string& path) const {
  return "{\"status\": " + std::to_string(status) + ", \"path\": \"" + path +
         "\", \"message\": \"" + message + "\"}";
}

}  // namespace hadal::testing
