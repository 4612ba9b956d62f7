// Building: edges that read nothing go, and what can never end goes.
#include "generation/grammar/grammar.h"

#include <fmt/format.h>

#include <utility>

#include "base/check.h"

namespace hadal {
namespace {

size_t at(int32_t index) {
  return static_cast<size_t>(index);
}

}  // namespace

int32_t GrammarBuilder::add_node() {
  if (nodes_.size() >= kMaxGrammarNodes)
    throw GrammarRefusal{fmt::format(
        "the grammar needs more than the limit of {} nodes; use fewer "
        "properties, branches or smaller counts",
        kMaxGrammarNodes)};
  nodes_.emplace_back();
  skips_.emplace_back();
  return static_cast<int32_t>(nodes_.size()) - 1;
}

int32_t GrammarBuilder::add_rule() {
  rules_.push_back(-1);
  return static_cast<int32_t>(rules_.size()) - 1;
}

void GrammarBuilder::set_start(int32_t rule, int32_t node) {
  rules_[at(rule)] = node;
}

int32_t GrammarBuilder::add_terminal(Terminal terminal) {
  for (size_t t = 0; t < terminals_.size(); ++t) {
    const Terminal& known = terminals_[t];
    if (known.leaf == terminal.leaf && known.min_chars == terminal.min_chars &&
        known.max_chars == terminal.max_chars &&
        known.is_markup == terminal.is_markup)
      return static_cast<int32_t>(t);
  }
  terminals_.push_back(std::move(terminal));
  return static_cast<int32_t>(terminals_.size()) - 1;
}

void GrammarBuilder::add_edge(int32_t from, GrammarSymbol symbol, int32_t to) {
  nodes_[at(from)].edges.push_back({symbol, to});
}

void GrammarBuilder::skip(int32_t from, int32_t to) {
  skips_[at(from)].push_back(to);
}

void GrammarBuilder::set_final(int32_t node) {
  nodes_[at(node)].is_final = true;
}

// Nodes from which a final one can be reached by productive symbols.
std::vector<bool> GrammarBuilder::productive_nodes() const {
  std::vector<std::vector<int32_t>> before(nodes_.size());
  std::vector<std::vector<std::pair<int32_t, int32_t>>> users(rules_.size());
  std::vector<std::vector<int32_t>> rules_at(nodes_.size());
  for (size_t r = 0; r < rules_.size(); ++r)
    if (rules_[r] >= 0)
      rules_at[at(rules_[r])].push_back(static_cast<int32_t>(r));
  std::vector<bool> live(nodes_.size());
  std::vector<bool> live_rule(rules_.size());
  std::vector<int32_t> open;
  const auto mark = [&](int32_t n) {
    if (!live[at(n)]) {
      live[at(n)] = true;
      open.push_back(n);
    }
  };
  for (size_t n = 0; n < nodes_.size(); ++n) {
    const int32_t from = static_cast<int32_t>(n);
    for (int32_t to : skips_[n])
      before[at(to)].push_back(from);
    for (const GrammarEdge& edge : nodes_[n].edges) {
      if (edge.symbol.is_rule)
        users[at(edge.symbol.index)].push_back({from, edge.target});
      before[at(edge.target)].push_back(from);
    }
    if (nodes_[n].is_final)
      mark(from);
  }
  const auto leads_on = [&](int32_t from, int32_t to) {
    for (int32_t skipped : skips_[at(from)])
      if (skipped == to)
        return true;
    for (const GrammarEdge& edge : nodes_[at(from)].edges)
      if (edge.target == to &&
          (!edge.symbol.is_rule || live_rule[at(edge.symbol.index)]))
        return true;
    return false;
  };
  while (!open.empty()) {
    int32_t n = open.back();
    open.pop_back();
    for (int32_t from : before[at(n)])
      if (leads_on(from, n))
        mark(from);
    for (int32_t rule : rules_at[at(n)]) {
      live_rule[at(rule)] = true;
      for (auto [from, to] : users[at(rule)])
        if (live[at(to)])
          mark(from);
    }
  }
  return live;
}

bool GrammarBuilder::is_productive(int32_t rule) const {
  return rules_[at(rule)] >= 0 && productive_nodes()[at(rules_[at(rule)])];
}

std::unique_ptr<Grammar> GrammarBuilder::finish(
    int32_t start_node, std::shared_ptr<const TokenTrie> trie) const {
  std::vector<bool> live = productive_nodes();
  if (!live[at(start_node)])
    return nullptr;
  auto grammar = std::make_unique<Grammar>();
  grammar->terminals = terminals_;
  grammar->rules = rules_;
  grammar->start = start_node;
  grammar->trie = std::move(trie);
  grammar->nodes.resize(nodes_.size());
  size_t edges = 0;
  std::vector<int32_t> seen(nodes_.size(), -1);
  std::vector<int32_t> open;
  for (size_t n = 0; n < nodes_.size(); ++n) {
    if (!live[n])
      continue;
    GrammarNode& node = grammar->nodes[n];
    open = {static_cast<int32_t>(n)};
    seen[n] = static_cast<int32_t>(n);
    for (size_t i = 0; i < open.size(); ++i) {
      const GrammarNode& source = nodes_[at(open[i])];
      node.is_final = node.is_final || source.is_final;
      for (const GrammarEdge& edge : source.edges)
        if (live[at(edge.target)] &&
            (!edge.symbol.is_rule || live[at(rules_[at(edge.symbol.index)])]))
          node.edges.push_back(edge);
      for (int32_t next : skips_[at(open[i])])
        if (live[at(next)] && seen[at(next)] != static_cast<int32_t>(n)) {
          seen[at(next)] = static_cast<int32_t>(n);
          open.push_back(next);
        }
    }
    edges += node.edges.size();
    if (edges > kMaxGrammarEdges)
      throw GrammarRefusal{fmt::format(
          "the grammar needs more than the limit of {} edges; use fewer "
          "optional members",
          kMaxGrammarEdges)};
  }
  return grammar;
}

}  // namespace hadal
