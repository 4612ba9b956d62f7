// An event handler for the JSON parser that builds a tree of everything except
// model.vocab and model.merges.
#include "text/tokenizer_json.h"

#include <fmt/format.h>

#include "hadal/error.h"

namespace hadal {
namespace {

using Json = nlohmann::json;

// Comparing and printing values recurse.
constexpr size_t kMaxDepth = 64;

class Handler {
 public:
  explicit Handler(const std::string& path) : path_(path) {}

  TokenizerJson take() { return std::move(result_); }

  bool null() { return scalar(nullptr); }
  bool boolean(bool value) { return scalar(value); }
  bool number_integer(int64_t value) { return scalar(value); }
  bool number_float(double value, const std::string&) { return scalar(value); }
  bool binary(Json::binary_t&) { return false; }  // JSON text has none

  bool number_unsigned(uint64_t value) {
    if (place_ != Place::vocabulary)
      return scalar(value);
    result_.ids.push_back(value);
    return true;
  }

  bool string(std::string& value) {
    if (place_ == Place::merges) {
      result_.merges.add(value);
    } else if (place_ == Place::merge_pair) {
      add_part(value);
    } else {
      return scalar(std::move(value));
    }
    return true;
  }

  bool key(std::string& value) {
    if (place_ == Place::vocabulary)
      result_.vocabulary.add(value);
    else
      key_ = std::move(value);
    return true;
  }

  bool start_object(size_t) {
    require_tree();
    bool vocabulary = at_model_field("vocab");
    push(Json::object());
    if (vocabulary)
      place_ = Place::vocabulary;
    return true;
  }

  bool end_object() { return end_container(); }

  bool start_array(size_t) {
    if (place_ == Place::merges) {
      place_ = Place::merge_pair;
      parts_ = 0;
      return true;
    }
    require_tree();
    bool merges = at_model_field("merges");
    push(Json::array());
    if (merges)
      place_ = Place::merges;
    return true;
  }

  bool end_array() {
    if (place_ == Place::merge_pair) {
      if (parts_ != 2)
        fail_in_list();
      place_ = Place::merges;
      return true;
    }
    return end_container();
  }

  bool parse_error(
      size_t, const std::string&, const nlohmann::detail::exception& error) {
    fail(fmt::format("not valid JSON: {}", error.what()));
  }

 private:
  enum class Place { tree, vocabulary, merges, merge_pair };

  bool scalar(Json value) {
    require_tree();
    insert(std::move(value));
    return true;
  }

  // Puts a value into the innermost container and returns where it lies.
  Json* insert(Json value) {
    if (open_.empty()) {
      result_.document = std::move(value);
      return &result_.document;
    }
    Json& parent = *open_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    return &(parent[key_] = std::move(value));
  }

  void push(Json container) {
    if (open_.size() == kMaxDepth)
      fail(fmt::format(
          "JSON nested more than {} levels deep, expected about 5", kMaxDepth));
    Json* place = insert(std::move(container));
    open_.push_back(place);
  }

  bool end_container() {
    place_ = Place::tree;
    open_.pop_back();
    return true;
  }

  // Is the value that comes next the document's model.<name>?
  bool at_model_field(std::string_view name) const {
    if (open_.size() != 2 || key_ != name || !open_[0]->is_object())
      return false;
    auto model = open_[0]->find("model");
    return model != open_[0]->end() && &*model == open_[1] &&
           model->is_object();
  }

  // A merge as a pair of strings, which newer files have.
  void add_part(std::string_view part) {
    if (parts_++ == 0) {
      result_.merges.add(part);
    } else {
      result_.merges.extend(" ");
      result_.merges.extend(part);
    }
  }

  void require_tree() const {
    if (place_ != Place::tree)
      fail_in_list();
  }

  [[noreturn]] void fail_in_list() const {
    if (place_ == Place::vocabulary) {
      size_t last = result_.vocabulary.size() - 1;
      fail(fmt::format(
          "the id of \"{}\" in model.vocab is not a whole number",
          result_.vocabulary[last]));
    }
    bool within = place_ == Place::merge_pair && parts_ > 0;
    fail(fmt::format(
        "model.merges[{}] is neither a string nor a pair of strings",
        result_.merges.size() - (within ? 1 : 0)));
  }

  [[noreturn]] void fail(const std::string& message) const {
    throw Error(ErrorCode::corrupt, fmt::format("{}: {}", path_, message));
  }

  const std::string& path_;
  TokenizerJson result_;
  Place place_ = Place::tree;
  std::string key_;
  std::vector<Json*> open_;  // the containers around the next value
  int parts_ = 0;            // of the current merge
};

}  // namespace

TokenizerJson parse_tokenizer_json(
    std::string_view text, const std::string& path) {
  Handler handler(path);
  Json::sax_parse(text.begin(), text.end(), &handler);
  return handler.take();
}

}  // namespace hadal
