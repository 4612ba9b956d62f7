// The text of a custom tool's call, out of the function call that stands for
// it: the value of `input` in a JSON object that arrives in fragments.
#pragma once

#include <string>
#include <string_view>

namespace hadal {

class CustomInput {
 public:
  // Takes more of the arguments, returns what they add to the text. Only
  // objects that begin with `input` are read as they arrive.
  std::string push(std::string_view fragment);
  // The arguments are complete: returns the rest of the text. Where the model
  // named the parameter otherwise, its only text counts; else the arguments
  // themselves.
  std::string finish();

 private:
  enum class State { before, inside, after, held };

  void read_before();
  std::string read_inside();

  State state_ = State::before;
  std::string arguments_;
  size_t next_ = 0;  // the first byte of arguments_ that was not read
  bool told_ = false;
};

}  // namespace hadal
