// The settings dialog, and what the settings add to a request.
import {byId, element} from "/web/dom.js";
import {loadValue, saveValue} from "/web/store.js";

// group, name in the request, label, kind, hint; a number's least, most, step.
const FIELDS = [
  {group: "Prompt", name: "system", label: "System text", kind: "text"},
  {group: "Sampling", name: "temperature", label: "Temperature", kind: "number", least: 0, most: 2, step: 0.05},
  {group: "Sampling", name: "top_p", label: "Top-p", kind: "number", least: 0.01, most: 1, step: 0.01},
  {group: "Sampling", name: "top_k", label: "Top-k", kind: "number", least: 0, step: 1},
  {group: "Sampling", name: "min_p", label: "Min-p", kind: "number", least: 0, most: 1, step: 0.01},
  {group: "Sampling", name: "seed", label: "Seed", kind: "number", least: 0, step: 1},
  {group: "Sampling", name: "max_tokens", label: "Longest answer (tokens)", kind: "number", least: 1, step: 1},
  {group: "Sampling", name: "presence_penalty", label: "Presence penalty", kind: "number", least: -2, most: 2, step: 0.1},
  {group: "Sampling", name: "frequency_penalty", label: "Frequency penalty", kind: "number", least: -2, most: 2, step: 0.1},
  {group: "Sampling", name: "repetition_penalty", label: "Repetition penalty", kind: "number", least: 0.1, most: 2, step: 0.05},
  {group: "Sampling", name: "stop", label: "Stop texts, one a line", kind: "lines"},
  {group: "Thinking", name: "thinking_token_budget", label: "Most thinking tokens", kind: "number", least: 0, step: 1},
  {group: "Tools", name: "tools", label: "Tools (JSON list)", kind: "json",
   hint: '[{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]'},
  {group: "Tools", name: "tool_choice", label: "Tool choice", kind: "choice",
   choices: [["", "server's choice"], ["auto", "auto"], ["none", "none"], ["required", "required"]]},
  {group: "Form of the answer", name: "response_format", label: "JSON schema", kind: "json",
   hint: '{"type": "object", "properties": {"capital": {"type": "string"}}, "required": ["capital"]}'},
];

export const THINKING = [["", "server's choice"], ["none", "off"], ["low", "low"], ["medium", "medium"],
                         ["high", "high"], ["max", "max"]];

let values = loadValue("settings", {});

export function setThinking(level) {
  values.reasoning_effort = level;
  saveValue("settings", values);
}
export const thinking = () => values.reasoning_effort ?? "";
export const systemText = () => values.system ?? "";

function parsed(field, text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`Settings, ${field.label}: this is no JSON (${error.message}).`);
  }
}

function fieldOfRequest(field, text) {
  switch (field.kind) {
    case "number":
      return Number(text);
    case "lines":
      return text.split("\n").filter((line) => line !== "");
    case "json":
      return parsed(field, text);
    default:
      return text;
  }
}

// Throws an Error that names the field whose JSON cannot be read.
export function requestFields(model) {
  const request = {model};
  for (const field of FIELDS) {
    const text = (values[field.name] ?? "").trim();
    if (text === "" || field.name === "system") continue;
    request[field.name] = fieldOfRequest(field, text);
  }
  if (request.response_format && !request.response_format.json_schema) {
    request.response_format =
      {type: "json_schema", json_schema: {name: "answer", schema: request.response_format}};
  }
  if (!request.tools) delete request.tool_choice;
  if (values.reasoning_effort) request.reasoning_effort = values.reasoning_effort;
  return request;
}

function control(field) {
  const attributes = {id: `set-${field.name}`, name: field.name, value: values[field.name] ?? ""};
  if (field.kind === "number") {
    return element("input", {...attributes, type: "number", inputmode: "decimal", min: field.least, max: field.most,
                             step: field.step});
  }
  if (field.kind === "choice") {
    const select = element("select", attributes,
                           ...field.choices.map(([value, text]) => element("option", {value}, text)));
    select.value = values[field.name] ?? "";
    return select;
  }
  return element("textarea", {...attributes, rows: field.kind === "json" ? 4 : 2,
                              class: field.kind === "json" ? "mono" : "", placeholder: field.hint});
}

// Marks JSON that cannot be read while it is typed.
function check(field, node) {
  let problem = "";
  if (field.kind === "json" && node.value.trim() !== "") {
    try {
      parsed(field, node.value);
    } catch (error) {
      problem = error.message;
    }
  }
  node.setCustomValidity(problem);
  node.setAttribute("aria-invalid", String(!node.validity.valid));
}

export function fillSettings() {
  const groups = new Map();
  for (const field of FIELDS) {
    const node = control(field);
    node.addEventListener("input", () => {
      values[field.name] = node.value;
      saveValue("settings", values);
      check(field, node);
    });
    check(field, node);
    const wide = field.kind === "text" || field.kind === "json" || field.kind === "lines";
    if (!groups.has(field.group)) {
      groups.set(field.group, element("fieldset", {}, element("legend", {}, field.group)));
    }
    groups.get(field.group).append(element("label", {class: wide ? "wide" : ""}, field.label, node));
  }
  byId("settings-fields").replaceChildren(...groups.values());
}

export function resetSettings() {
  values = {};
  saveValue("settings", values);
  fillSettings();
}

// Shows what the server uses for empty fields.
export function showDefaults(defaults) {
  for (const field of FIELDS) {
    const value = defaults?.[field.name];
    if (field.kind === "number" && typeof value === "number") {
      byId(`set-${field.name}`)?.setAttribute("placeholder", String(Number(value.toFixed(4))));
    }
  }
}
