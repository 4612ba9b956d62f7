// Multiplying branches out.
#include "generation/grammar/schema_alternatives.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace hadal {
namespace {

// The schemas through which one was reached, for finding circles.
struct Way {
  const JsonValue* schema;
  std::shared_ptr<const Way> from;
};
using WayPointer = std::shared_ptr<const Way>;

struct Draft {
  SchemaSet done;
  std::vector<WayPointer> open;  // the next one last
};

class Expansion {
 public:
  Expansion(
      const SchemaDocument& document,
      const std::function<void(const JsonValue&)>& on_one_of)
      : document_(document), on_one_of_(on_one_of) {}

  void run(Draft draft);
  std::vector<SchemaSet> take() { return std::move(found_); }

 private:
  void check_circle(const WayPointer& way) const;
  void add_conjuncts(const WayPointer& way, Draft& draft) const;
  // The branches of one anyOf or oneOf after the other.
  void branch(
      const WayPointer& way,
      std::vector<const JsonValue*> choices,
      Draft draft);

  const SchemaDocument& document_;
  const std::function<void(const JsonValue&)>& on_one_of_;
  std::vector<SchemaSet> found_;
  size_t drafts_ = 0;
};

void Expansion::check_circle(const WayPointer& way) const {
  size_t steps = 0;
  for (const Way* above = way->from.get(); above != nullptr;
       above = above->from.get()) {
    if (++steps > kMaxSchemaSteps)
      document_.refuse(
          *way->schema,
          "",
          fmt::format(
              "it is reached by more than the limit of {} references and "
              "branches one inside the other; use fewer",
              kMaxSchemaSteps));
    if (above->schema == way->schema)
      document_.refuse(
          *way->schema,
          "",
          "the schema refers to itself with no object or array in between");
  }
}

void Expansion::add_conjuncts(const WayPointer& way, Draft& draft) const {
  const JsonValue& schema = *way->schema;
  if (const JsonValue* all = document_.array_keyword(schema, "allOf"))
    for (auto one = all->items().rbegin(); one != all->items().rend(); ++one)
      draft.open.push_back(std::make_shared<Way>(Way{&*one, way}));
  if (schema.find("$ref") != nullptr)
    draft.open.push_back(
        std::make_shared<Way>(Way{&document_.referred(schema), way}));
}

void Expansion::branch(
    const WayPointer& way, std::vector<const JsonValue*> choices, Draft draft) {
  if (choices.empty())
    return run(std::move(draft));
  const JsonValue& branches = *choices.back();
  choices.pop_back();
  for (const JsonValue& one : branches.items()) {
    Draft next = draft;
    next.open.push_back(std::make_shared<Way>(Way{&one, way}));
    branch(way, choices, std::move(next));
  }
}

void Expansion::run(Draft draft) {
  if (++drafts_ > 4 * kMaxAlternatives || found_.size() > kMaxAlternatives) {
    const WayPointer& way = draft.open.empty() ? nullptr : draft.open.back();
    document_.refuse(
        way == nullptr ? document_.root() : *way->schema,
        "",
        fmt::format(
            "its branches multiply to more than the limit of {} alternatives; "
            "use fewer anyOf inside each other",
            kMaxAlternatives));
  }
  while (!draft.open.empty()) {
    const WayPointer way = draft.open.back();
    draft.open.pop_back();
    const JsonValue& schema = *way->schema;
    if (schema.is_boolean()) {
      if (!schema.as_boolean())
        return;
      continue;
    }
    if (!schema.is_object())
      document_.refuse(
          schema,
          "",
          fmt::format(
              "expected a schema (an object or a boolean), found {}",
              schema.type_name()));
    check_circle(way);
    if (std::find(draft.done.begin(), draft.done.end(), &schema) !=
        draft.done.end())
      continue;
    document_.check_keywords(schema);
    if (!schema.members().empty())
      draft.done.push_back(&schema);
    add_conjuncts(way, draft);
    std::vector<const JsonValue*> choices;
    if (const JsonValue* any = document_.array_keyword(schema, "anyOf"))
      choices.push_back(any);
    if (const JsonValue* one = document_.array_keyword(schema, "oneOf")) {
      on_one_of_(schema);
      choices.push_back(one);
    }
    if (!choices.empty())
      return branch(way, std::move(choices), std::move(draft));
  }
  found_.push_back(std::move(draft.done));
}

}  // namespace

std::vector<SchemaSet> alternatives_of(
    const SchemaDocument& document,
    const SchemaSet& schemas,
    const std::function<void(const JsonValue&)>& on_one_of) {
  Expansion expansion(document, on_one_of);
  Draft draft;
  for (auto schema = schemas.rbegin(); schema != schemas.rend(); ++schema)
    draft.open.push_back(std::make_shared<Way>(Way{*schema, nullptr}));
  expansion.run(std::move(draft));
  return expansion.take();
}

}  // namespace hadal
