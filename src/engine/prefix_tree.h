// A radix tree: values under sequences of token ids, found by the longest that
// begins a given sequence.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace hadal {

// Not safe across threads.
template <class Value>
class PrefixTree {
 public:
  // A place in the tree. Pointers to nodes with a value stay valid until the
  // value is removed.
  class Node {
   public:
    // How many tokens lead here.
    int64_t length() const { return length_; }
    std::optional<Value>& value() { return value_; }
    const std::optional<Value>& value() const { return value_; }
    // The nearest node above that has a value; null when there is none.
    Node* ancestor() const {
      Node* node = parent_;
      while (node != nullptr && !node->value_)
        node = node->parent_;
      return node;
    }
    // No longer sequence with a value goes on from here.
    bool is_leaf() const { return children_.empty(); }

   private:
    friend class PrefixTree;
    Node* parent_ = nullptr;
    std::vector<int32_t> edge_;  // from the parent
    int64_t length_ = 0;
    std::map<int32_t, std::unique_ptr<Node>> children_;  // by first token
    std::optional<Value> value_;
  };

  struct Match {
    Node* node = nullptr;  // the longest with a value, null when none
    int64_t common = 0;    // leading tokens that lie in the tree at all
  };

  // Looks for values of at most `most` tokens.
  Match find(std::span<const int32_t> tokens, int64_t most) const {
    Match match;
    Node* node = root_.get();
    while (true) {
      if (node->value_ && node->length_ <= most)
        match.node = node;
      match.common = node->length_;
      const auto rest = tokens.subspan(static_cast<size_t>(node->length_));
      if (rest.empty())
        return match;
      const auto child = node->children_.find(rest.front());
      if (child == node->children_.end())
        return match;
      const int64_t shared = common(child->second->edge_, rest);
      match.common += shared;
      if (shared < static_cast<int64_t>(child->second->edge_.size()))
        return match;
      node = child->second.get();
    }
  }

  // The node of exactly these tokens, made when it is not there. The caller
  // sets its value at once.
  Node* at(std::span<const int32_t> tokens) {
    Node* node = root_.get();
    while (true) {
      const auto rest = tokens.subspan(static_cast<size_t>(node->length_));
      if (rest.empty())
        return node;
      const auto child = node->children_.find(rest.front());
      if (child == node->children_.end())
        return add_child(node, rest);
      const int64_t shared = common(child->second->edge_, rest);
      if (shared < static_cast<int64_t>(child->second->edge_.size()))
        split(child->second, shared);
      node = child->second.get();
    }
  }

  // Takes the value away, and the nodes that serve nobody then.
  void remove(Node* node) {
    node->value_.reset();
    while (node->parent_ != nullptr && !node->value_ &&
           node->children_.empty()) {
      Node* const parent = node->parent_;
      const int32_t first = node->edge_.front();
      parent->children_.erase(first);
      node = parent;
    }
    if (node->parent_ != nullptr && !node->value_ &&
        node->children_.size() == 1)
      join_with_child(node);
  }

  // Calls visit(node) for every node with a value.
  template <class Visit>
  void for_each(const Visit& visit) const {
    std::vector<Node*> stack{root_.get()};
    while (!stack.empty()) {
      Node* const node = stack.back();
      stack.pop_back();
      for (const auto& [first, child] : node->children_)
        stack.push_back(child.get());
      if (node->value_)
        visit(node);
    }
  }

  void clear() { root_ = std::make_unique<Node>(); }

  // Nodes beside the root: for tests of its shape.
  int64_t node_count() const {
    int64_t count = -1;
    std::vector<const Node*> stack{root_.get()};
    while (!stack.empty()) {
      const Node* const node = stack.back();
      stack.pop_back();
      ++count;
      for (const auto& [first, child] : node->children_)
        stack.push_back(child.get());
    }
    return count;
  }

 private:
  static int64_t common(
      std::span<const int32_t> a, std::span<const int32_t> b) {
    return std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first -
           a.begin();
  }

  static Node* add_child(Node* parent, std::span<const int32_t> edge) {
    auto child = std::make_unique<Node>();
    child->parent_ = parent;
    child->edge_.assign(edge.begin(), edge.end());
    child->length_ = parent->length_ + static_cast<int64_t>(edge.size());
    return (parent->children_[edge.front()] = std::move(child)).get();
  }

  // Puts a node after the first `count` tokens of an edge.
  static void split(std::unique_ptr<Node>& child, int64_t count) {
    auto middle = std::make_unique<Node>();
    const auto cut = child->edge_.begin() + count;
    middle->parent_ = child->parent_;
    middle->edge_.assign(child->edge_.begin(), cut);
    middle->length_ = child->parent_->length_ + count;
    child->edge_.erase(child->edge_.begin(), cut);
    child->parent_ = middle.get();
    const int32_t first = child->edge_.front();
    std::unique_ptr<Node> lower = std::move(child);
    child = std::move(middle);
    child->children_[first] = std::move(lower);
  }

  // The node without a value gives way to its only child.
  static void join_with_child(Node* node) {
    std::unique_ptr<Node> child = std::move(node->children_.begin()->second);
    child->edge_.insert(
        child->edge_.begin(), node->edge_.begin(), node->edge_.end());
    child->parent_ = node->parent_;
    node->parent_->children_[child->edge_.front()] = std::move(child);
  }

  std::unique_ptr<Node> root_ = std::make_unique<Node>();
};

}  // namespace hadal
