// The markup of tool calls in the model's output, in every spelling that was
// seen in the wild (spec/text.md 3.5):
//
//   <｜DSML｜tool_calls>, <｜DSML｜ calls>, <｜DSML｜function_calls>
//   <DSML｜..., <｜DSML..., <｜｜DSML｜｜..., <‖DSML‖..., <|DSML|...,
//   <||DSML||... < | DSML | tool_calls, block name tool_use <tool_calls>,
//   <function_calls>, <tool_call name=...>, <invoke name=...>
//
// A marker is the word DSML with one or two bars on at least one side. Tags
// without a marker are called plain here.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hadal {

enum class TagMatch {
  none,     // cannot become one
  partial,  // may become one when more text follows
  full,
};

// What opens a block of calls.
struct BlockOpening {
  TagMatch match = TagMatch::none;
  // Bytes of the opening: "<", marker and name, not what follows.
  size_t length = 0;
  // It is an invoke without a block around it: the tag must still be read.
  bool is_call = false;
};

// `text` starts with '<'. An opening is full when a character that ends its
// name has been seen. With `allow_plain` off, a marker is required.
BlockOpening match_block_opening(std::string_view text, bool allow_plain);

// Whether `text`, which starts with '<', ends an argument's value: "</" and a
// marker; after a plain opening also a whole plain closing tag.
TagMatch match_value_end(std::string_view text, bool allow_plain);

struct CallTag {
  enum class Kind {
    other,  // not markup of calls
    block_open,
    block_close,
    invoke_open,
    invoke_close,
    parameter_open,
    parameter_close,
    think_close,
  };
  Kind kind = Kind::other;
  size_t start = 0;               // of the tag in the text
  std::string name;               // invoke_open, parameter_open
  std::optional<bool> is_string;  // parameter_open: its attribute
  bool self_closing = false;      // ends with "/>"
  bool has_marker = false;
};

// The tag at the end of `text`, which ends with '>'. Anything may stand before
// the words `invoke` and `parameter`, so that a broken marker does not lose a
// call.
CallTag classify_tag(std::string_view text);

// Whether text after a block's opening can only be the beginning of an invoke
// tag that was cut.
bool is_cut_invoke(std::string_view text);

}  // namespace hadal
