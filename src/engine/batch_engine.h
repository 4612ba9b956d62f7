// The engine of servers: many sequences decode together while prompts are read
// in pieces between their steps.
#pragma once

#include <chrono>
#include <memory>

#include "engine/batch_engine_options.h"
#include "engine/engine.h"
#include "engine/engine_model.h"
#include "hadal/model.h"

namespace hadal {

// One thread of its own drives the model: each step is one token for every
// sequence that generates and a piece of the prompts that are being read
// (step_times.h, prompt_shares.h). No bit of an answer depends on what else is
// in a step (the invariance law), nor on memory pressure: a sequence that has
// to give its memory up is read again later.
class BatchEngine : public Engine {
 public:
  // Throws Error(invalid_argument) naming an option out of range.
  BatchEngine(const Model& model, const BatchEngineOptions& options);
  BatchEngine(EngineModel model, const BatchEngineOptions& options);
  // Cancels what still runs: stop(0).
  ~BatchEngine() override;

  RequestId submit(EngineRequest request) override;
  void cancel(RequestId id) override;
  EngineStatus status() const override;

  // Lets nothing in, cancels what is queued, lets the rest run on for at most
  // `grace` and cancels what is left. Returns when every on_end was called and
  // the saved prefixes were offered to the store. May be called again, from any
  // thread but an observer's.
  void stop(std::chrono::milliseconds grace);

  // Forgets all saved prefixes in memory. For tests and measurements; not while
  // another thread stops the engine, nor from an observer.
  void clear_prefixes();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hadal
