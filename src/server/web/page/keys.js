// Keyboard shortcuts. Letters come with Alt, so that they do nothing while
// somebody types; Option on a Mac writes characters, hence codes, not keys.
import {byId, element} from "/web/dom.js";

const SHORTCUTS = [
  {keys: "Enter", does: "send the message"},
  {keys: "Shift+Enter", does: "start a new line"},
  {keys: "Esc", code: "Escape", does: "stop the answer", action: "stop"},
  {keys: "Alt+N", alt: true, code: "KeyN", does: "new conversation", action: "new"},
  {keys: "Alt+R", alt: true, code: "KeyR", does: "retry the last answer", action: "retry"},
  {keys: "Alt+S", alt: true, code: "KeyS", does: "status and back", action: "status"},
  {keys: "Alt+,", alt: true, code: "Comma", does: "settings", action: "settings"},
  {keys: "Alt+↑, Alt+↓", alt: true, code: "ArrowUp", does: "the conversation above, below", action: "previous"},
  {alt: true, code: "ArrowDown", action: "next"},
  {keys: "/", key: "/", does: "go to the message field", action: "focus"},
  {keys: "?", key: "?", does: "this list", action: "help"},
];

const isTyping = (node) => ["INPUT", "TEXTAREA", "SELECT"].includes(node.tagName);

function matches(shortcut, event) {
  if (event.ctrlKey || event.metaKey) return false;
  if (shortcut.key) return !event.altKey && event.key === shortcut.key && !isTyping(event.target);
  return event.altKey === Boolean(shortcut.alt) && event.code === shortcut.code;
}

export function listenForShortcuts(actions) {
  document.addEventListener("keydown", (event) => {
    // An open dialog has the keyboard for itself.
    if (document.querySelector("dialog[open]") || event.isComposing) return;
    const found = SHORTCUTS.find((shortcut) => shortcut.action && matches(shortcut, event));
    if (!found) return;
    event.preventDefault();
    actions[found.action]();
  });
}

export function fillShortcuts() {
  byId("shortcuts").replaceChildren(...SHORTCUTS.filter((shortcut) => shortcut.keys).flatMap((shortcut) =>
    [element("dt", {}, element("kbd", {}, shortcut.keys)), element("dd", {}, shortcut.does)]));
}
