// One message on the screen. update() is called for every piece of a stream and
// changes only what is new.
import {element, smallButton} from "/web/dom.js";
import {showMarkdown} from "/web/markdown.js";

const NAMES = {user: "You", assistant: "Model", tool: "Tool result"};

// actions: edit(text), retry(), result(call, text).
export class MessageView {
  constructor(message, actions) {
    this.message = message;
    this.actions = actions;
    this.body = element("div", {class: "body"});
    this.foot = element("div", {class: "row foot"});
    this.node = element("li", {class: `message ${message.role}`},
                        element("h2", {class: "who"}, this.heading()), this.body, this.foot);
    if (message.role === "user") this.showUser();
    if (message.role === "tool") this.body.append(element("pre", {tabindex: "0"}, message.content));
    if (message.role === "assistant") this.prepareAnswer();
  }

  heading() {
    return this.message.role === "tool" ? `Result of ${this.message.name}` : NAMES[this.message.role];
  }

  showUser() {
    const {files = [], content} = this.message;
    const list = files.map((file) => element("details", {class: "file"},
      element("summary", {}, `${file.name} (${file.text.length.toLocaleString()} characters)`),
      element("pre", {tabindex: "0"}, file.text)));
    this.body.replaceChildren(...list, element("p", {class: "plain"}, content));
    this.foot.replaceChildren(smallButton("Edit", "Edit this message", () => this.startEdit()));
  }

  startEdit() {
    const text = element("textarea", {rows: 4, "aria-label": "Edited message", value: this.message.content});
    const form = element("form", {class: "edit", onsubmit: (event) => {
      event.preventDefault();
      this.actions.edit(text.value);
    }}, text, element("div", {class: "row"},
      element("span", {class: "quiet"}, "What came after it is replaced."),
      element("span", {class: "gap"}),
      element("button", {type: "button", onclick: () => this.showUser()}, "Cancel"),
      element("button", {type: "submit", class: "main"}, "Send again")));
    text.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.stopPropagation();
        this.showUser();
      } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        form.requestSubmit();
      }
    });
    this.body.replaceChildren(form);
    this.foot.replaceChildren();
    text.focus();
  }

  prepareAnswer() {
    this.wait = element("p", {class: "quiet wait"});
    this.thought = element("div", {class: "thought"});
    this.thinking = element("details", {class: "thinking", hidden: true},
                            element("summary", {}, "Thinking"), this.thought);
    this.content = element("div", {class: "content"});
    this.calls = element("div", {class: "calls"});
    this.problem = element("p", {class: "error", role: "alert", hidden: true});
    this.body.append(this.wait, this.thinking, this.content, this.calls, this.problem);
  }

  // state: {running, progress, last, open}: whether this answer is being written,
  // the prompt's progress, whether it is the last message, calls without result.
  update(state) {
    if (this.message.role !== "assistant") return;
    const {reasoning, content, error} = this.message;
    this.wait.textContent = this.waitText(state);
    this.wait.hidden = this.wait.textContent === "";
    this.thinking.hidden = reasoning === "";
    this.thinking.firstChild.textContent = state.running && content === "" ? "Thinking…" : "Thinking";
    showMarkdown(this.thought, reasoning);
    showMarkdown(this.content, content);
    this.content.classList.toggle("growing", state.running);
    this.showCalls(state);
    this.problem.hidden = error === "";
    this.problem.textContent = error;
    this.showFoot(state);
  }

  waitText({running, progress}) {
    const {reasoning, content, calls} = this.message;
    if (!running || reasoning || content || calls.length > 0) return "";
    if (progress?.total) return `Reading the prompt: ${progress.done} of ${progress.total} tokens`;
    return "Waiting for the first token";
  }

  showCalls(state) {
    this.message.calls.forEach((call, at) => {
      const card = this.calls.children[at] ?? this.calls.appendChild(element("div", {class: "call"},
        element("h3", {}), element("pre", {tabindex: "0"}), element("div")));
      card.children[0].textContent = `Calls ${call.name}`;
      card.children[1].textContent = call.arguments;
      const wanted = !state.running && state.open.includes(call);
      if (wanted && card.children[2].childElementCount === 0) {
        card.children[2].append(this.resultForm(call));
      } else if (!wanted) {
        card.children[2].replaceChildren();
      }
    });
  }

  resultForm(call) {
    const text = element("textarea", {rows: 2, "aria-label": `Result of ${call.name}`,
                                      placeholder: "What the tool answers"});
    return element("form", {onsubmit: (event) => {
      event.preventDefault();
      this.actions.result(call, text.value);
    }}, text, element("div", {class: "row"}, element("span", {class: "gap"}),
      element("button", {type: "submit"}, "Send the result")));
  }

  showFoot(state) {
    const text = state.running ? "" : footText(this.message);
    const retry = !state.running && state.last;
    const key = `${text}|${retry}`;
    if (this.foot.dataset.key === key) return;
    this.foot.dataset.key = key;
    this.foot.replaceChildren(element("span", {class: "quiet stats"}, text));
    if (state.running) return;
    this.foot.append(smallButton("Copy", "Copy this answer",
                                 () => navigator.clipboard.writeText(this.message.content)));
    if (retry) this.foot.append(smallButton("Retry", "Retry this answer", () => this.actions.retry()));
  }
}

const ENDS = {length: "cut at the length limit", stopped: "stopped"};

function footText({stats, finish}) {
  const parts = [];
  if (stats) {
    parts.push(`${stats.tokens} tokens`);
    if (stats.reasoning) parts.push(`${stats.reasoning} of them thinking`);
    if (stats.perSecond) parts.push(`${stats.perSecond.toFixed(1)} tokens/s`);
    if (stats.firstSeconds) parts.push(`first after ${stats.firstSeconds.toFixed(2)} s`);
    parts.push(`prompt ${stats.prompt}, cached ${stats.cached}`);
  }
  if (ENDS[finish]) parts.push(ENDS[finish]);
  return parts.join(" · ");
}
