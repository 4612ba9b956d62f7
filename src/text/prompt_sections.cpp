// The tools section, the format section and the block of calls.
#include "text/prompt_sections.h"

#include <fmt/format.h>

#include "text/spans.h"

namespace hadal {
namespace {

void write_parameter(
    PromptWriter& writer,
    const PromptFormat& format,
    std::string_view name,
    const JsonValue& value) {
  writer.write(dsml_open(format.parameter_name) + " name=\"");
  writer.write_content(name);
  if (value.is_string()) {
    writer.write("\" string=\"true\">");
    writer.write_content(value.as_string());
  } else {
    writer.write("\" string=\"false\">");
    writer.write_content(print_json(value));
  }
  writer.write(dsml_close(format.parameter_name));
}

// The parameters as an object of names and values.
JsonValue parameters_of(const ChatToolCall& call) {
  JsonValue fallback = JsonValue::object({{"arguments", call.arguments}});
  if (!call.arguments.is_string())
    return fallback;
  if (call.arguments.as_string().empty())
    return JsonValue::object({});
  JsonReadOptions options;
  options.python_constants = true;
  Result<JsonValue> read = parse_json(call.arguments.as_string(), options);
  if (!read.has_value() || !read->is_object())
    return fallback;
  return std::move(*read);
}

}  // namespace

void PromptWriter::write(std::string_view text) {
  append(spans_, text, true);
}

void PromptWriter::write_content(std::string_view text) {
  append(spans_, text, trust_content_);
}

void PromptWriter::write(const Spans& spans) {
  for (const TextSpan& span : spans)
    append(spans_, span.text, span.trusted || trust_content_);
}

void write_tools_section(
    PromptWriter& writer,
    const PromptFormat& format,
    std::span<const JsonValue> tools) {
  std::string block = dsml_open(format.block_name);
  std::string invoke = dsml_open(format.invoke_name);
  std::string invoke_end = dsml_close(format.invoke_name);
  writer.write(fmt::format(
      "## Tools\n\n"
      "You have access to a set of tools to help answer the user's question. "
      "You can invoke tools by writing a \"{block}>\" block like the "
      "following:\n\n"
      "{block}>\n"
      "{invoke} name=\"$TOOL_NAME\">\n"
      "{parameter} name=\"$PARAMETER_NAME\" "
      "string=\"true|false\">$PARAMETER_VALUE{parameter_end}\n"
      "...\n"
      "{invoke_end}\n"
      "{invoke} name=\"$TOOL_NAME2\">\n"
      "...\n"
      "{invoke_end}\n"
      "{block_end}\n\n"
      "String parameters should be specified as is and set `string=\"true\"`. "
      "For all other types (numbers, booleans, arrays, objects), pass the "
      "value in JSON format and set `string=\"false\"`.\n\n"
      "If thinking_mode is enabled (triggered by <think>), you MUST output "
      "your complete reasoning inside <think>...</think> BEFORE any tool calls "
      "or final response.\n\n"
      "Otherwise, output directly after </think> with tool calls or final "
      "response.\n\n"
      "### Available Tool Schemas\n\n",
      fmt::arg("block", block),
      fmt::arg("block_end", dsml_close(format.block_name)),
      fmt::arg("invoke", invoke),
      fmt::arg("invoke_end", invoke_end),
      fmt::arg("parameter", dsml_open(format.parameter_name)),
      fmt::arg("parameter_end", dsml_close(format.parameter_name))));
  for (const JsonValue& tool : tools) {
    writer.write_content(print_json(tool));
    writer.write("\n");
  }
  writer.write(
      "\nYou MUST strictly follow the above defined tool name and parameter "
      "schemas to invoke tool calls.\n");
}

void write_format_section(
    PromptWriter& writer, const AnswerFormat& answer_format) {
  switch (answer_format.kind) {
    case AnswerFormat::Kind::any:
      return;
    case AnswerFormat::Kind::json_object:
      writer.write(
          "You are a helpful assistant designed to output JSON.\n"
          "## Response Format:\n\n"
          "Reply with JSON object ONLY.");
      return;
    case AnswerFormat::Kind::schema:
      writer.write(
          "## Response Format:\n\n"
          "You MUST strictly adhere to the following schema to reply:\n");
      writer.write_content(print_json(answer_format.schema));
      return;
  }
}

std::string tool_block_opening(const PromptFormat& format) {
  return dsml_open(format.block_name) + ">\n";
}

std::string escape_result_ends(std::string_view text) {
  constexpr std::string_view kEnd = "</tool_result>";
  std::string out;
  size_t position = 0;
  while (true) {
    size_t found = text.find(kEnd, position);
    out += text.substr(position, found - position);
    if (found == std::string_view::npos)
      return out;
    out += "&lt;/tool_result>";
    position = found + kEnd.size();
  }
}

void write_tool_calls(
    PromptWriter& writer,
    const PromptFormat& format,
    std::span<const ChatToolCall> calls) {
  writer.write(tool_block_opening(format));
  for (const ChatToolCall& call : calls) {
    writer.write(dsml_open(format.invoke_name) + " name=\"");
    writer.write_content(call.name);
    writer.write("\">\n");
    // Parameters are joined by newlines, so a call without any still has one
    // (empty) line between its tags.
    std::string_view separator;
    JsonValue parameters = parameters_of(call);
    for (const JsonMember& parameter : parameters.members()) {
      writer.write(separator);
      write_parameter(writer, format, parameter.key, parameter.value);
      separator = "\n";
    }
    writer.write("\n" + dsml_close(format.invoke_name) + "\n");
  }
  writer.write(dsml_close(format.block_name));
}

}  // namespace hadal
