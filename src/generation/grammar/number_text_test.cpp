// Numbers within bounds: every small number is accepted exactly when it is
// within.
#include "generation/grammar/number_text.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include <string>

namespace hadal {
namespace {

std::optional<NumberBound> bound(const char* text, bool is_open) {
  if (text == nullptr)
    return std::nullopt;
  return NumberBound{read_decimal(text), is_open};
}

bool within(const std::string& number, const NumberLimits& limits) {
  const Decimal value = read_decimal(number);
  if (limits.min) {
    const int order = compare(value, limits.min->value);
    if (order < 0 || (order == 0 && limits.min->is_open))
      return false;
  }
  if (limits.max) {
    const int order = compare(value, limits.max->value);
    if (order > 0 || (order == 0 && limits.max->is_open))
      return false;
  }
  return true;
}

TEST(NumberText, IntegersAreExact) {
  for (const char* min : {"-1203", "-100", "-99", "-1", "0", "7", "99", "120"})
    for (const char* max :
         {"-1000", "-99", "-1", "0", "9", "10", "101", "1999"})
      for (bool is_open : {false, true}) {
        const NumberLimits limits{
            true, bound(min, is_open), bound(max, is_open)};
        const TextAutomaton texts = number_texts(limits);
        for (int i = -2100; i <= 2100; ++i) {
          const std::string text = std::to_string(i);
          ASSERT_EQ(texts.accepts(text), within(text, limits))
              << text << " in " << min << ", " << max << ", " << is_open;
        }
      }
}

TEST(NumberText, OneBoundAlone) {
  for (const char* edge : {"-105", "-10", "0", "1", "9", "10", "999", "1e3"})
    for (bool is_min : {false, true}) {
      NumberLimits limits{true, {}, {}};
      (is_min ? limits.min : limits.max) = bound(edge, false);
      const TextAutomaton texts = number_texts(limits);
      for (int i = -1200; i <= 1200; ++i)
        ASSERT_EQ(
            texts.accepts(std::to_string(i)), within(std::to_string(i), limits))
            << i << " and " << edge << is_min;
      EXPECT_EQ(texts.accepts("123456789012345678"), is_min);
      EXPECT_EQ(texts.accepts("-123456789012345678"), !is_min);
    }
}

TEST(NumberText, DecimalsAreExact) {
  for (const char* min : {"-2.5", "-0.05", "0", "0.1", "1.95"})
    for (const char* max : {"-0.1", "0", "0.05", "0.3", "2", "2.25"})
      for (bool is_open : {false, true}) {
        const NumberLimits limits{
            false, bound(min, is_open), bound(max, is_open)};
        const TextAutomaton texts = number_texts(limits);
        for (int i = -3000; i <= 3000; ++i) {
          std::string text = fmt::format(
              "{}{}.{:03}",
              i < 0 ? "-" : "",
              std::abs(i) / 1000,
              std::abs(i) % 1000);
          for (int digits = 3; digits >= 1; --digits) {
            ASSERT_EQ(texts.accepts(text), within(text, limits))
                << text << " in " << min << ", " << max << ", " << is_open;
            if (text.back() != '0')
              break;
            text.pop_back();
          }
        }
      }
}

TEST(NumberText, OnlyJsonNumbers) {
  const TextAutomaton any = number_texts({});
  for (const char* text : {"0", "-0", "1.5", "-12e+3", "1E5", "0.001"})
    EXPECT_TRUE(any.accepts(text)) << text;
  for (const char* text :
       {"", "-", "01", "1.", ".5", "+1", "1e", "0x1", "1e999"})
    EXPECT_FALSE(any.accepts(text)) << text;
}

TEST(NumberText, ContradictionsAreEmpty) {
  EXPECT_TRUE(
      number_texts({true, bound("5", false), bound("4", false)}).empty());
  EXPECT_TRUE(number_texts({true, bound("5", true), bound("6", true)}).empty());
  EXPECT_TRUE(
      number_texts({true, bound("1.2", false), bound("1.8", false)}).empty());
}

TEST(NumberText, TooManyDigitsAreRefused) {
  EXPECT_NO_THROW(number_texts(
      {true, bound("12345678901234567890123", false), std::nullopt}));
  EXPECT_THROW(
      number_texts({false, bound("0.1234567890123456", false), std::nullopt}),
      GrammarRefusal);
  EXPECT_THROW(read_decimal("1e101"), GrammarRefusal);
}

}  // namespace
}  // namespace hadal
