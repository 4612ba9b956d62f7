// Whatever stands in the place of a part of a request, of any type or missing:
// the request is read, or refused with the path of a field. Nothing throws.
#include "server/api/family_test_tools.h"
#include "server/api/messages.h"
#include "server/api/responses.h"

namespace hadal {
namespace {

constexpr std::string_view kResponses = R"({"model":"m","instructions":"I",
  "input":[{"role":"developer","content":"D"},
    {"type":"message","role":"user","content":[
      {"type":"input_text","text":"a"}]},
    {"type":"reasoning","summary":[{"type":"summary_text","text":"s"}],
     "content":[{"type":"reasoning_text","text":"r"}],
     "encrypted_content":"cg=="},
    {"type":"function_call","call_id":"1","name":"f","arguments":"{}",
     "namespace":"n__","status":"completed"},
    {"type":"custom_tool_call","call_id":"2","name":"p","input":"x"},
    {"type":"local_shell_call","call_id":"3","action":{"command":["ls"]}},
    {"type":"mcp_call","id":"4","name":"g","arguments":"{}","output":"o"},
    {"type":"function_call_output","call_id":"1","output":[
      {"type":"input_text","text":"o"}]},
    {"type":"shell_call_output","call_id":"3","output":[{"stdout":"o"}]},
    {"type":"item_reference","id":"kept"},{"type":"compaction"},
    {"type":"additional_tools","tools":[{"type":"function","name":"late"}]},
    {"role":"user","content":"c"}],
  "tools":[{"type":"function","name":"f","description":"F","strict":false,
      "parameters":{"type":"object","properties":{"a":{"type":"string"}}}},
    {"type":"custom","name":"p","format":{"type":"grammar","syntax":"lark",
     "definition":"x"}},
    {"type":"namespace","name":"n__","tools":[
      {"type":"function","name":"f"}]},{"type":"web_search"}],
  "tool_choice":{"type":"allowed_tools","mode":"auto","tools":[
    {"type":"function","name":"f"}]},
  "parallel_tool_calls":true,"max_output_tokens":20,"top_logprobs":1,
  "temperature":1,"top_p":0.9,"seed":4,"include":["reasoning.encrypted_content"],
  "reasoning":{"effort":"low","summary":"auto","context":"auto"},
  "text":{"format":{"type":"json_schema","name":"n","schema":{}},
    "verbosity":"low"},
  "metadata":{"k":"v"},"store":true,"stream":true,"user":"u",
  "truncation":"auto","prompt_cache_key":"k"})";

constexpr std::string_view kMessages = R"({"model":"m","max_tokens":50,
  "system":[{"type":"text","text":"S","cache_control":{"type":"ephemeral"}}],
  "messages":[{"role":"user","content":[{"type":"text","text":"a"},
      {"type":"document","title":"t","context":"c","source":{"type":"text",
       "data":"d"}},
      {"type":"search_result","title":"t","source":"s","content":[
        {"type":"text","text":"x"}]}]},
    {"role":"assistant","content":[
      {"type":"thinking","thinking":"r","signature":"s"},
      {"type":"redacted_thinking","data":"d"},{"type":"text","text":"b"},
      {"type":"tool_use","id":"1","name":"f","input":{"a":1}},
      {"type":"server_tool_use","id":"2","name":"w","input":{}}]},
    {"role":"user","content":[{"type":"tool_result","tool_use_id":"1",
      "is_error":true,"content":[{"type":"text","text":"o"}]},
      {"type":"text","text":"c"}]},
    {"role":"system","content":"T"},{"role":"assistant","content":"A"}],
  "tools":[{"name":"f","description":"F","strict":false,
      "input_schema":{"type":"object","properties":{}}},
    {"type":"web_search_20250305","name":"w"}],
  "tool_choice":{"type":"auto","disable_parallel_tool_use":false},
  "thinking":{"type":"enabled","budget_tokens":30,"display":"omitted"},
  "output_config":{"effort":"low","format":{"type":"json_schema",
    "schema":{}}},
  "stop_sequences":["X"],"temperature":1,"top_p":0.9,"top_k":5,
  "metadata":{"user_id":"u"},"stream":true})";

// Calls `visit` with the document once for every place and every other value
// there.
void mutate(
    JsonValue& document,
    JsonValue& place,
    const std::function<void(const JsonValue&)>& visit) {
  static const JsonValue kValues[] = {
      JsonValue(),
      JsonValue::boolean(true),
      JsonValue::number("7"),
      JsonValue::number("-1e400"),
      JsonValue::string(""),
      JsonValue::string("7"),
      JsonValue::array({}),
      JsonValue::array({JsonValue(), JsonValue::object({})}),
      JsonValue::object({}),
  };
  JsonValue original = place;
  for (const JsonValue& value : kValues) {
    place = value;
    visit(document);
  }
  place = std::move(original);
  if (place.is_array())
    for (JsonValue& item : place.items())
      mutate(document, item, visit);
  if (place.is_object())
    for (JsonMember& member : place.members())
      mutate(document, member.value, visit);
}

// The number of bodies that were refused.
int check(
    std::string_view text,
    const std::function<ApiResult<std::unique_ptr<ApiCall>>(const JsonValue&)>&
        read) {
  JsonValue document = json_of(text);
  auto whole = read(document);
  EXPECT_TRUE(whole.has_value()) << told(whole.error());
  int refused = 0;
  mutate(document, document, [&](const JsonValue& body) {
    if (!body.is_object())
      return;
    auto call = read(body);
    if (!call.has_value()) {
      ++refused;
      EXPECT_TRUE(call.error().status == 400 || call.error().status == 404);
      EXPECT_FALSE(call.error().message.empty());
      EXPECT_FALSE(call.error().param.empty())
          << call.error().message << print_json(body);
      return;
    }
    std::string sent =
        drive(**call, {thinks("r"), says("a")}, end_with(ChatFinish::stop));
    EXPECT_FALSE(sent.empty());
  });
  return refused;
}

TEST(RequestMutations, Responses) {
  ServedModel served = family_model();
  ResponseStore store;
  auto turn = std::make_shared<ResponseTurn>();
  turn->output.items().push_back(json_of(
      R"({"id":"kept","type":"message","role":"assistant","content":"k"})"));
  auto response = std::make_shared<StoredResponse>();
  response->id = "resp_kept";
  response->turns = {turn};
  store.put(response);
  int refused = check(kResponses, [&](const JsonValue& body) {
    return read_responses(body, {}, served, store);
  });
  EXPECT_GT(refused, 300);
}

TEST(RequestMutations, Messages) {
  ServedModel served = family_model();
  int refused = check(kMessages, [&](const JsonValue& body) {
    return read_messages(body, {}, served);
  });
  EXPECT_GT(refused, 200);
}

}  // namespace
}  // namespace hadal
