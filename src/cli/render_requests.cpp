#include "cli/render_requests.h"

#include <istream>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>

#include "text/render_request.h"
#include "text/spans.h"

namespace hadal::cli {
namespace {

using Json = nlohmann::ordered_json;

Json rendered(
    const Tokenizer& tokenizer,
    const std::string& line,
    const RequestOptions& options) {
  const Result<RenderedPrompt> prompt = render_request(line, options);
  if (!prompt) {
    const Failure& failure = prompt.error();
    return {
        {"error",
         failure.field.empty() ? failure.message
                               : failure.field + ": " + failure.message}};
  }
  return {
      {"prompt", joined(prompt->spans)},
      {"ids", tokenizer.encode(prompt->spans)}};
}

}  // namespace

void render_requests(
    const Tokenizer& tokenizer,
    ModelRevision revision,
    std::istream& in,
    std::ostream& out) {
  RequestOptions options;
  options.revision = revision;
  std::string line;
  while (std::getline(in, line)) {
    if (line.find_first_not_of(" \t\r") == std::string::npos)
      continue;
    out << rendered(tokenizer, line, options)
               .dump(-1, ' ', false, Json::error_handler_t::replace)
        << '\n';
  }
}

}  // namespace hadal::cli
