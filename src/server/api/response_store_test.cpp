// Keeping responses, and the routes that give them back.
#include "server/api/response_store.h"

#include <thread>

#include "server/api/family_test_tools.h"
#include "server/api/responses.h"

namespace hadal {
namespace {

std::shared_ptr<ResponseTurn> turn_of(
    std::string_view item, size_t bytes = 10) {
  auto turn = std::make_shared<ResponseTurn>();
  turn->input.items().push_back(JsonValue::string(std::string(bytes, 'x')));
  turn->output.items().push_back(json_of(
      R"({"type":"message","role":"assistant","content":"a","id":")" +
      std::string(item) + R"("})"));
  return turn;
}

std::shared_ptr<StoredResponse> response_of(
    std::string id, std::vector<std::shared_ptr<const ResponseTurn>> turns) {
  auto response = std::make_shared<StoredResponse>();
  response->id = std::move(id);
  response->body = "{}";
  response->turns = std::move(turns);
  return response;
}

TEST(ResponseStore, FindsWhatWasPut) {
  ResponseStore store;
  store.put(response_of("a", {turn_of("item_a")}));
  EXPECT_EQ(store.find("a")->id, "a");
  EXPECT_EQ(store.find("b"), nullptr);
  EXPECT_TRUE(store.find_item("item_a").has_value());
  EXPECT_FALSE(store.find_item("item_b").has_value());
  EXPECT_TRUE(store.erase("a"));
  EXPECT_FALSE(store.erase("a"));
  EXPECT_FALSE(store.find_item("item_a").has_value());
  EXPECT_EQ(store.size(), 0u);
  EXPECT_EQ(store.bytes(), 0u);
}

TEST(ResponseStore, TheLeastRecentlyUsedGoes) {
  ResponseStore store({.max_responses = 2});
  store.put(response_of("a", {turn_of("1")}));
  store.put(response_of("b", {turn_of("2")}));
  store.find("a");
  store.put(response_of("c", {turn_of("3")}));
  EXPECT_NE(store.find("a"), nullptr);
  EXPECT_EQ(store.find("b"), nullptr);
  EXPECT_NE(store.find("c"), nullptr);
}

TEST(ResponseStore, BytesAreLimitedAndSharedTurnsCountOnce) {
  ResponseStore store({.max_responses = 100, .max_bytes = 30'000});
  std::vector<std::shared_ptr<const ResponseTurn>> turns;
  turns.push_back(turn_of("1", 10'000));
  store.put(response_of("a", turns));
  size_t one = store.bytes();
  EXPECT_GT(one, 10'000u);
  turns.push_back(turn_of("2", 1'000));
  store.put(response_of("b", turns));
  EXPECT_LT(store.bytes(), one + 3'000);

  // The first is forgotten; its turn lives on in the second.
  store.erase("a");
  EXPECT_GT(store.bytes(), 11'000u);
  EXPECT_TRUE(store.find_item("1").has_value());

  store.put(response_of("c", {turn_of("3", 25'000)}));
  EXPECT_EQ(store.find("b"), nullptr);
  EXPECT_NE(store.find("c"), nullptr);
  // What is larger than everything does not drive out the rest.
  store.put(response_of("d", {turn_of("4", 40'000)}));
  EXPECT_EQ(store.find("d"), nullptr);
  EXPECT_NE(store.find("c"), nullptr);
}

TEST(ResponseStore, AnIdIsReplaced) {
  ResponseStore store;
  store.put(response_of("a", {turn_of("1")}));
  store.put(response_of("a", {turn_of("2")}));
  EXPECT_EQ(store.size(), 1u);
  EXPECT_FALSE(store.find_item("1").has_value());
}

TEST(ResponseStore, OwnersDoNotSeeEachOther) {
  ResponseStore store;
  const OwnResponses ours(store, "us");
  const OwnResponses theirs(store, "them");
  ours.put(*response_of("a", {turn_of("item")}));
  theirs.put(*response_of("b", {turn_of("item")}));
  EXPECT_NE(ours.find("a"), nullptr);
  EXPECT_EQ(theirs.find("a"), nullptr);
  EXPECT_EQ(OwnResponses(store).find("a"), nullptr);
  EXPECT_FALSE(theirs.erase("a"));
  EXPECT_TRUE(ours.erase("a"));
  // An item of the same name is another one's.
  EXPECT_FALSE(ours.find_item("item").has_value());
  EXPECT_TRUE(theirs.find_item("item").has_value());
}

TEST(ResponseStore, ManyThreads) {
  ResponseStore store({.max_responses = 8});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&store, t] {
      for (int i = 0; i < 200; ++i) {
        std::string id = std::to_string(t) + "/" + std::to_string(i);
        store.put(response_of(id, {turn_of(id)}));
        store.find(id);
        store.find_item(std::to_string((t + 1) % 4) + "/0");
        if (i % 3 == 0)
          store.erase(id);
      }
    });
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_LE(store.size(), 8u);
}

// A server that has answered a request of two turns.
struct Conversation {
  ServedModel served = family_model();
  ResponseStore store;
  std::string first;
  std::string second;

  Conversation() {
    first = answer(
        R"({"input":[{"role":"developer","content":"Be brief."},
        {"role":"user","content":"Hi"}]})",
        "Hello");
    second = answer(
        R"({"previous_response_id":")" + first + R"(","input":"More"})", "End");
  }

  std::string answer(const std::string& body, const std::string& text) {
    auto call = read_responses(json_of(body), {}, served, store);
    EXPECT_TRUE(call.has_value()) << told(call.error());
    Events events = {thinks("Hm."), says(text)};
    JsonValue json = json_of(drive(**call, events, end_with(ChatFinish::stop)));
    return json.find("id")->as_string();
  }

  // The body, or the error.
  std::string route(
      std::string method,
      const std::string& tail,
      std::map<std::string, std::string> query = {}) {
    HttpRequest http;
    http.method = std::move(method);
    http.path = "/v1/responses/" + tail;
    http.query = std::move(query);
    auto body = stored_response_route(http, tail, store);
    return body.has_value() ? *body : told(body.error());
  }
};

TEST(ResponseRoutes, GetAndDelete) {
  Conversation talk;
  JsonValue body = json_of(talk.route("GET", talk.second));
  EXPECT_EQ(body.find("id")->as_string(), talk.second);
  EXPECT_EQ(body.find("previous_response_id")->as_string(), talk.first);
  EXPECT_EQ(
      talk.route("DELETE", talk.second),
      R"({"id":")" + talk.second + R"(","object":"response","deleted":true})");
  EXPECT_EQ(
      talk.route("GET", talk.second),
      "(404) no response with id '" + talk.second + "' is kept here");
  EXPECT_EQ(
      talk.route("DELETE", "resp_none"),
      "(404) no response with id 'resp_none' is kept here");
}

TEST(ResponseRoutes, Refusals) {
  Conversation talk;
  EXPECT_TRUE(talk.route("POST", talk.first).starts_with("(405)"));
  EXPECT_TRUE(talk.route("GET", talk.first + "/cancel").starts_with("(405)"));
  EXPECT_TRUE(
      talk.route("POST", talk.first + "/input_items").starts_with("(405)"));
  EXPECT_TRUE(talk.route("GET", talk.first + "/other").starts_with("(404)"));
  EXPECT_TRUE(talk.route("GET", "none/input_items").starts_with("(404)"));
  EXPECT_TRUE(talk.route("POST", "none/cancel").starts_with("(404)"));
  EXPECT_TRUE(talk.route("POST", talk.first + "/cancel")
                  .starts_with("only background responses"));
  EXPECT_TRUE(talk.route("GET", talk.first, {{"stream", "true"}})
                  .starts_with("stream: "));
  std::string items = talk.first + "/input_items";
  for (const char* limit : {"0", "101", "x", "5x", "-1"})
    EXPECT_TRUE(
        talk.route("GET", items, {{"limit", limit}}).starts_with("limit: "));
  EXPECT_TRUE(
      talk.route("GET", items, {{"order", "up"}}).starts_with("order: "));
  EXPECT_TRUE(
      talk.route("GET", items, {{"after", "x"}}).starts_with("after: "));
}

TEST(ResponseRoutes, InputItems) {
  Conversation talk;
  std::string path = talk.second + "/input_items";
  std::string page = talk.route("GET", path, {{"order", "asc"}});
  expect_golden("responses_input_items.json", page);

  JsonValue newest = json_of(talk.route("GET", path, {{"limit", "2"}}));
  EXPECT_EQ(newest.find("data")->items().size(), 2u);
  EXPECT_TRUE(newest.find("has_more")->as_boolean());
  std::string last = newest.find("last_id")->as_string();
  JsonValue rest = json_of(talk.route("GET", path, {{"after", last}}));
  EXPECT_EQ(rest.find("data")->items().size(), 3u);
  EXPECT_FALSE(rest.find("has_more")->as_boolean());
}

}  // namespace
}  // namespace hadal
