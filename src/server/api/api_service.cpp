// From a request to the route that answers it.
#include "server/api/api_service.h"

#include <fmt/format.h>

#include "base/log.h"
#include "hadal/device_lost.h"
#include "hadal/version.h"
#include "server/api/chat_completions.h"
#include "server/api/completions.h"
#include "server/api/messages.h"
#include "server/api/model_routes.h"
#include "server/api/ready_reply.h"
#include "server/api/responses.h"
#include "server/api/routes.h"
#include "server/api/text_routes.h"
#include "server/api/write_json.h"

namespace hadal {
namespace {

constexpr std::string_view kOtherRoute = "other";
constexpr std::string_view kMetricsType =
    "text/plain; version=0.0.4; charset=utf-8";
constexpr double kLoadingRetrySeconds = 5;

ApiError unavailable(std::string message) {
  ApiError error;
  error.status = 503;
  error.message = std::move(message);
  error.retry_after_seconds = kLoadingRetrySeconds;
  return error;
}

std::string version_json() {
  return dump({{"version", version()}});
}

// One request on its way. Every answer but a generation is counted here.
class Handling {
 public:
  Handling(
      const HttpRequest& request,
      ServiceMetrics& metrics,
      ResponseStore& responses)
      : request_(request),
        metrics_(metrics),
        responses_(responses),
        family_(api_family(request.path)) {}

  std::unique_ptr<Reply> fail(std::string_view route, const ApiError& error) {
    metrics_.count_request(route, error.status);
    return error_reply(family_, error);
  }

  std::unique_ptr<Reply> wrong_method(const RouteMatch& match) {
    ApiError error;
    error.status = 405;
    error.message = fmt::format(
        "{} is not allowed for {}; use {}",
        request_.method,
        match.name,
        match.methods);
    error.code = "method_not_allowed";
    error.allow = match.methods;
    return fail(match.name, error);
  }

  std::unique_ptr<Reply> unknown_route() {
    ApiError error;
    error.status = 404;
    error.message =
        fmt::format("there is no route {} {}", request_.method, request_.path);
    error.code = "unknown_route";
    return fail(kOtherRoute, error);
  }

  std::unique_ptr<Reply> json(
      const RouteMatch& match, ApiResult<std::string> body) {
    if (!body.has_value())
      return fail(match.name, body.error());
    return text(match, std::move(*body), "application/json");
  }

  std::unique_ptr<Reply> stored_response(const RouteMatch& match) {
    return json(
        match, stored_response_route(request_, match.rest, own_responses()));
  }

  std::unique_ptr<Reply> text(
      const RouteMatch& match, std::string body, std::string_view type) {
    metrics_.count_request(match.name, 200);
    return std::make_unique<ReadyReply>(
        200, std::move(body), std::string(type));
  }

  std::unique_ptr<Reply> get(
      const RouteMatch& match, const ServingParts& parts) {
    const ServedModel& served = parts.served;
    switch (match.route) {
      case Route::models:
        return json(match, models_json(served));
      case Route::model:
        return json(match, model_json(match.rest, served));
      case Route::health:
        return health(match, parts);
      case Route::props:
        return json(match, props_json(served));
      case Route::slots:
        return json(match, slots_json(parts.engine.status(), served));
      default:
        return unknown_route();
    }
  }

  // A server that cannot generate any more says so, until it is restarted.
  std::unique_ptr<Reply> health(
      const RouteMatch& match, const ServingParts& parts) {
    const std::string failure = parts.engine.status().failure;
    if (!failure.empty())
      return fail(match.name, api_error(DeviceLost(failure)));
    return json(match, dump({{"status", "ok"}}));
  }

  std::unique_ptr<Reply> post(
      const RouteMatch& match, const ServingParts& parts) {
    const ServedModel& served = parts.served;
    ApiResult<JsonValue> body = parse_body(request_.body, served.limits.body);
    if (!body.has_value())
      return fail(match.name, body.error());
    switch (match.route) {
      case Route::chat_completions:
        return generate(
            match, parts, read_chat_completions(*body, request_, served));
      case Route::completions:
        return generate(
            match, parts, read_completions(*body, request_, served));
      case Route::responses:
        return generate(
            match,
            parts,
            read_responses(*body, request_, served, own_responses()));
      case Route::messages:
        return generate(match, parts, read_messages(*body, request_, served));
      case Route::response_tokens:
        return json(
            match, count_response_tokens(*body, served, own_responses()));
      case Route::message_tokens:
        return json(match, count_message_tokens(*body, served));
      case Route::tokenize:
        return json(match, tokenize_json(*body, served));
      case Route::detokenize:
        return json(match, detokenize_json(*body, served));
      case Route::apply_template:
        return json(match, apply_template_json(*body, served));
      default:
        return unknown_route();
    }
  }

 private:
  OwnResponses own_responses() { return {responses_, request_.key_name}; }

  std::unique_ptr<Reply> generate(
      const RouteMatch& match,
      const ServingParts& parts,
      ApiResult<std::unique_ptr<ApiCall>> call) {
    if (!call.has_value())
      return fail(match.name, call.error());
    return start_generation(std::move(*call), parts, family_, match.name);
  }

  const HttpRequest& request_;
  ServiceMetrics& metrics_;
  ResponseStore& responses_;
  ApiFamily family_;
};

}  // namespace

ApiService::ApiService() = default;
ApiService::~ApiService() = default;

void ApiService::open(const ServedModel& served, Engine& engine) {
  parts_.emplace(ServingParts{served, engine, metrics_});
  ready_.store(true, std::memory_order_release);
}

void ApiService::close() {
  closing_ = true;
}

std::unique_ptr<Reply> ApiService::route(const HttpRequest& request) {
  Handling handling(request, metrics_, responses_);
  std::optional<RouteMatch> match = find_route(request.path);
  if (!match)
    return handling.unknown_route();
  // The HTTP layer leaves out the body for HEAD.
  bool is_get = request.method == "GET" || request.method == "HEAD";
  if (!match->methods.empty() &&
      match->methods != (is_get ? "GET" : request.method))
    return handling.wrong_method(*match);

  bool ready = ready_.load(std::memory_order_acquire);
  if (match->route == Route::metrics) {
    std::optional<EngineStatus> status;
    if (ready)
      status = parts_->engine.status();
    return handling.text(
        *match, metrics_.text(status ? &*status : nullptr), kMetricsType);
  }
  if (match->route == Route::version)
    return handling.json(*match, version_json());
  if (!ready)
    return handling.fail(match->name, unavailable("Loading model"));
  if (closing_)
    return handling.fail(match->name, unavailable("the server is stopping"));
  if (match->route == Route::stored_responses)
    return handling.stored_response(*match);
  return is_get ? handling.get(*match, *parts_)
                : handling.post(*match, *parts_);
}

std::unique_ptr<Reply> ApiService::handle(HttpRequest request) {
  ApiFamily family = api_family(request.path);
  ApiError error;
  try {
    return route(request);
  } catch (const Error& failed) {
    error = api_error(failed);
    log(LogLevel::error, "server", "a request failed: {}", failed.what());
  } catch (const std::exception& failed) {
    error = api_error(Error(ErrorCode::internal, failed.what()));
    log(LogLevel::error, "server", "a request failed: {}", failed.what());
  }
  metrics_.count_request(kOtherRoute, error.status);
  return error_reply(family, error);
}

std::string ApiService::error_body(
    int status, const std::string& message, const std::string& path) const {
  ApiError error;
  error.status = status;
  error.message = message;
  if (status == 401)
    error.code = "invalid_api_key";
  return error_json(api_family(path), error);
}

}  // namespace hadal
