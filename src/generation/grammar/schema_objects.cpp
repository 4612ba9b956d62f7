// Objects: members in the order of their declaration, then others.
#include <map>

#include "generation/grammar/schema_compiler.h"
#include "generation/grammar/schema_sets.h"

namespace hadal {

void SchemaCompiler::add_object(
    const SchemaSet& schemas, int32_t start, int32_t end) {
  const Members members = members_of(schemas);
  const std::optional<TextAutomaton> allowed = allowed_names(schemas);
  const int64_t count = static_cast<int64_t>(members.names.size());
  // Written members are counted as far as a limit needs it, at least whether
  // there is one.
  const int64_t top = std::max<int64_t>({1, members.min, members.max});
  const auto terminal = [&](Terminal one) {
    return GrammarSymbol{false, builder_.add_terminal(std::move(one))};
  };
  const GrammarSymbol colon = terminal(leaves_.colon());
  const GrammarSymbol close = terminal(leaves_.object_end());
  const GrammarSymbol separator = terminal(leaves_.member_separator());
  struct Place {
    int32_t key;    // behind the quote of a key that is the i-th or a later one
    int32_t after;  // behind a member, when the i-th may come next
  };
  std::map<std::pair<int64_t, int64_t>, Place> places;
  const auto place = [&](int64_t i, int64_t written) -> const Place& {
    const std::pair<int64_t, int64_t> key = {i, std::min(written, top)};
    auto known = places.find(key);
    if (known == places.end())
      known =
          places.emplace(key, Place{builder_.add_node(), builder_.add_node()})
              .first;
    return known->second;
  };
  const auto add_member =
      [&](int32_t from, const TextAutomaton& names, const SchemaSet& value) {
        const int32_t named = builder_.add_node();
        const int32_t valued = builder_.add_node();
        const int32_t done = builder_.add_node();
        builder_.add_edge(from, terminal(leaves_.key(names)), named);
        builder_.add_edge(named, colon, valued);
        builder_.add_edge(valued, values(value), done);
        return done;
      };
  // Whether a required member is the i-th or a later one.
  std::vector<bool> is_needed(members.names.size() + 1);
  for (size_t i = members.names.size(); i-- > 0;)
    is_needed[i] = is_needed[i + 1] || members.required[i];
  // A member came and the i-th may be next: another one, or the end.
  const auto go_on = [&](int64_t i, int64_t written) {
    const Place& here = place(i, written);
    builder_.add_edge(here.after, separator, here.key);
    if (!is_needed[static_cast<size_t>(i)] && written >= members.min)
      builder_.add_edge(here.after, close, end);
  };
  refused_at(document_, schemas, "properties", [&] {
    builder_.add_edge(start, terminal(leaves_.object_start()), place(0, 0).key);
    if (!is_needed[0] && members.min == 0)
      builder_.add_edge(start, terminal(leaves_.empty_object()), end);
    for (int64_t i = 0; i < count; ++i)
      for (int64_t written = 0; written <= std::min(i, top); ++written) {
        if (written > 0)
          go_on(i, written);
        if (!members.required[static_cast<size_t>(i)])
          builder_.skip(place(i, written).key, place(i + 1, written).key);
        if (members.max >= 0 && written >= members.max)
          continue;
        const std::string& name = members.names[static_cast<size_t>(i)];
        const std::optional<SchemaSet> value = member_schemas(schemas, name);
        if (value && (!allowed || allowed->accepts(name)))
          builder_.skip(
              add_member(place(i, written).key, one_of({name}), *value),
              place(i + 1, written + 1).after);
      }
    for (int64_t written = 0; written <= top; ++written) {
      if (written > 0)
        go_on(count, written);
      if (members.max < 0 || written < members.max)
        for (const Members::Others& others : members.others)
          builder_.skip(
              add_member(
                  place(count, written).key, others.names, others.schemas),
              place(count, written + 1).after);
    }
  });
}

}  // namespace hadal
