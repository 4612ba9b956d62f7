// What a conversation is, and what the server is sent of it.
//
//   {id, title, named, created, updated, messages: [
//     {role: "user", content, files: [{name, text}]},
//     {role: "assistant", reasoning, content, calls: [{id, name, arguments}],
//      finish, error, stats},
//     {role: "tool", call, name, content}]}

export function newConversation() {
  const now = Date.now();
  return {id: crypto.randomUUID?.() ?? `c${now}-${Math.random()}`, title: "New conversation",
          named: false, created: now, updated: now, messages: []};
}

export const newAnswer = () =>
  ({role: "assistant", reasoning: "", content: "", calls: [], finish: "", error: "", stats: null});

// The first words of the first message, until the user gives it a name.
export function retitle(conversation) {
  if (conversation.named) return;
  const first = conversation.messages.find((message) => message.role === "user");
  const text = (first?.content || first?.files?.[0]?.name || "").replace(/\s+/g, " ").trim();
  if (text) conversation.title = text.length > 48 ? `${text.slice(0, 47)}…` : text;
}

// A fence that the text itself does not contain.
function fenced(text) {
  const longest = Math.max(2, ...(text.match(/`{3,}/g) ?? []).map((ticks) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}\n${text}${text.endsWith("\n") ? "" : "\n"}${fence}`;
}

// Files come first, so that questions about one file share a cached prefix.
function userContent(message) {
  const files = (message.files ?? []).map((file) => `File ${file.name}:\n${fenced(file.text)}`);
  return [...files, message.content].filter((part) => part !== "").join("\n\n");
}

function wireMessage(message) {
  if (message.role === "user") return {role: "user", content: userContent(message)};
  if (message.role === "tool") {
    return {role: "tool", tool_call_id: message.call, content: message.content};
  }
  const wire = {role: "assistant", content: message.content};
  if (message.reasoning) wire.reasoning_content = message.reasoning;
  if (message.calls.length > 0) {
    wire.tool_calls = message.calls.map((call) => (
      {id: call.id, type: "function", function: {name: call.name, arguments: call.arguments}}));
  }
  return wire;
}

// Answers that failed before their first token are not part of the past.
const isEmptyAnswer = (message) => message.role === "assistant" && message.content === "" &&
  message.reasoning === "" && message.calls.length === 0;

export function wireMessages(conversation, system) {
  const past = conversation.messages.filter((message) => !isEmptyAnswer(message)).map(wireMessage);
  return system ? [{role: "system", content: system}, ...past] : past;
}

// The calls of the last answer that have no result yet.
export function openCalls(conversation) {
  const at = conversation.messages.findLastIndex((message) => message.role === "assistant");
  if (at < 0) return [];
  const answered = new Set(conversation.messages.slice(at + 1).map((message) => message.call));
  return conversation.messages[at].calls.filter((call) => !answered.has(call.id));
}

// One chunk of a stream goes into the answer. True if it brought text or calls.
export function applyChunk(answer, chunk) {
  const choice = chunk.choices?.[0];
  if (!choice) return false;
  if (choice.finish_reason) answer.finish = choice.finish_reason;
  const delta = choice.delta ?? {};
  const reasoning = delta.reasoning_content ?? delta.reasoning ?? "";
  answer.reasoning += reasoning;
  answer.content += delta.content ?? "";
  for (const part of delta.tool_calls ?? []) {
    const call = answer.calls[part.index] ??= {id: "", name: "", arguments: ""};
    if (part.id) call.id = part.id;
    call.name += part.function?.name ?? "";
    call.arguments += part.function?.arguments ?? "";
  }
  return reasoning !== "" || Boolean(delta.content) || (delta.tool_calls ?? []).length > 0;
}
