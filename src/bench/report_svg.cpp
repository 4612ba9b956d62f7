// A bar a row: its share of the ceiling, with the value beside it.
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "bench/report.h"

namespace hadal {
namespace {

constexpr int kRowHeight = 22;
constexpr int kTop = 64;
constexpr int kLabelWidth = 330;
constexpr int kBarWidth = 420;  // 100 %
constexpr int kWidth = kLabelWidth + kBarWidth + 190;

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else
      out += c;
  }
  return out;
}

std::string text_at(int x, int y, std::string_view anchor, std::string text) {
  return fmt::format(
      "<text x=\"{}\" y=\"{}\" text-anchor=\"{}\">{}</text>\n",
      x,
      y,
      anchor,
      escaped(text));
}

// Lines at every fifth of the ceiling.
std::string grid(int bottom) {
  std::string out;
  for (int percent = 0; percent <= 100; percent += 20) {
    const int x = kLabelWidth + kBarWidth * percent / 100;
    out += fmt::format(
        "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"{}\"/>\n",
        x,
        kTop - 6,
        x,
        bottom,
        percent == 100 ? "#555555" : "#dddddd");
    out += text_at(x, kTop - 10, "middle", fmt::format("{} %", percent));
  }
  return out;
}

std::string bar(const BenchRow& row, int top) {
  const int width = static_cast<int>(
      std::clamp(row.share, 0.0, 1.1) * static_cast<double>(kBarWidth));
  std::string out = text_at(kLabelWidth - 8, top + 14, "end", row.name);
  out += fmt::format(
      "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"/>\n",
      kLabelWidth,
      top + 3,
      width,
      kRowHeight - 7,
      row.bound == Bound::memory ? "#2f6fab" : "#c0702f");
  out += text_at(
      kLabelWidth + width + 6,
      top + 14,
      "start",
      fmt::format("{:.0f} %, {:.1f} {}", row.share * 100, row.value, row.unit));
  return out;
}

}  // namespace

std::string report_svg(const BenchReport& report) {
  const int bottom = kTop + kRowHeight * static_cast<int>(report.rows.size());
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" "
      "height=\"{1}\" viewBox=\"0 0 {0} {1}\" font-family=\"sans-serif\" "
      "font-size=\"12\">\n"
      "<rect width=\"{0}\" height=\"{1}\" fill=\"#ffffff\"/>\n",
      kWidth,
      bottom + 34);
  out += text_at(
      8,
      20,
      "start",
      fmt::format(
          "{}, {} cores{}{}",
          report.machine.processor,
          report.machine.cores,
          report.model.empty() ? "" : ": ",
          report.model));
  out += grid(bottom);
  int top = kTop;
  for (const BenchRow& row : report.rows) {
    out += bar(row, top);
    top += kRowHeight;
  }
  out += text_at(
      8,
      bottom + 22,
      "start",
      "Share of the ceiling measured in the same run: blue, the memory's read "
      "bandwidth; brown, the peak of the instruction used.");
  return out + "</svg>\n";
}

}  // namespace hadal
