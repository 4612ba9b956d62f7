// What a build without the server (HADAL_SERVER=OFF) says instead.
#include <CLI/CLI.hpp>

#include "cli/chat/chat_backend.h"
#include "cli/verbs.h"
#include "hadal/error.h"

namespace hadal::cli {
namespace {

[[noreturn]] void refuse() {
  throw Error(
      ErrorCode::unsupported,
      "this build has no server and no client; configure it with "
      "-DHADAL_SERVER=ON");
}

}  // namespace

Run add_serve(CLI::App& app) {
  app.allow_extras();
  return []() -> int { refuse(); };
}

Run add_bench_serve(CLI::App& app) {
  return add_serve(app);
}

std::unique_ptr<ChatBackend> remote_chat(
    const RemoteChatFlags&, const ChatFlags&, const SamplingFlags&) {
  refuse();
}

}  // namespace hadal::cli
