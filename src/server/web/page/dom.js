// Builds elements. Text goes in as text nodes only: nothing that a model, a
// user or the server wrote is ever read as HTML.

// element("button", {class: "main", onclick: f, "aria-label": "Send"}, "Send")
// Attributes that are false, null or undefined are left out.
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) {
      node.addEventListener(name.slice(2), value);
    } else if (name === "class") {
      node.className = value;
    } else if (name === "value") {
      node.value = value;
    } else {
      node.setAttribute(name, value === true ? "" : value);
    }
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

export const byId = (id) => document.getElementById(id);

// A button that looks like a word under a message.
export function smallButton(text, label, onclick) {
  return element("button", {type: "button", class: "small", "aria-label": label, onclick}, text);
}

// Hands `text` to the browser as a download.
export function download(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], {type}));
  element("a", {href: url, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

let notice_timer = 0;

// A line at the bottom for some seconds, with one button if `action` is given:
// {text, run}.
export function notify(text, action = null) {
  const box = byId("notice");
  clearTimeout(notice_timer);
  const hide = () => {
    box.hidden = true;
  };
  box.replaceChildren(element("span", {}, text));
  if (action) {
    box.append(smallButton(action.text, action.text, () => {
      hide();
      action.run();
    }));
  }
  box.hidden = false;
  notice_timer = setTimeout(hide, 8000);
}
