// A value or the reason why there is none: for failures that a caller expects
// (text that is not JSON, a malformed chat request, a cache miss). Failures
// that end an operation throw hadal::Error. Member names are those of
// std::expected, which replaces this class once the compilers have it.
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "hadal/error.h"

namespace hadal {

struct Failure {
  ErrorCode code = ErrorCode::invalid_argument;
  std::string message;
  std::string field;  // the request field or JSON path, when there is one
};

template <class T>
class Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Failure failure)
      : state_(std::in_place_index<1>, std::move(failure)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  // Throws hadal::Error with the failure's code and message when empty.
  T& value() & {
    require();
    return std::get<0>(state_);
  }
  const T& value() const& {
    require();
    return std::get<0>(state_);
  }
  T&& value() && {
    require();
    return std::get<0>(std::move(state_));
  }
  T& operator*() { return std::get<0>(state_); }
  const T& operator*() const { return std::get<0>(state_); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  const Failure& error() const { return std::get<1>(state_); }

 private:
  void require() const {
    if (!has_value())
      throw Error(error().code, error().message);
  }

  std::variant<T, Failure> state_;
};

}  // namespace hadal
