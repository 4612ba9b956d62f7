// All API families and small routes of the server behind one door.
//
//   ApiService service;                 // answers that it is loading
//   service.open(served, engine);       // from here on it works
//
// `served` and `engine` must outlive the service and every reply; the engine's
// observers use the service's metrics, so the engine must have stopped before
// the service goes.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "server/api/generation_reply.h"
#include "server/api/response_store.h"
#include "server/api/served_model.h"
#include "server/api/service_metrics.h"
#include "server/service.h"

namespace hadal {

class ApiService : public Service {
 public:
  ApiService();
  ~ApiService() override;

  // The model is loaded. Once.
  void open(const ServedModel& served, Engine& engine);
  // Answers 503 from here on; what runs goes on. Before a shutdown.
  void close();

  std::unique_ptr<Reply> handle(HttpRequest request) override;
  std::string error_body(
      int status,
      const std::string& message,
      const std::string& path) const override;

  ServiceMetrics& metrics() { return metrics_; }

 private:
  std::unique_ptr<Reply> route(const HttpRequest& request);

  ServiceMetrics metrics_;
  ResponseStore responses_;
  std::optional<ServingParts> parts_;  // set before `ready_`
  std::atomic<bool> ready_ = false;
  std::atomic<bool> closing_ = false;
};

}  // namespace hadal
