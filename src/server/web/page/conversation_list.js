// The list of conversations at the side: open, rename, delete, export.
import {newConversation} from "/web/conversation.js";
import {byId, download, element, notify, smallButton} from "/web/dom.js";
import {deleteConversation, loadConversations, loadValue, saveConversation, saveValue} from "/web/store.js";

function exportAs(name, data) {
  const safe = name.replace(/[^\p{L}\p{N} _-]+/gu, "").trim() || "conversation";
  download(`${safe}.json`, "application/json", JSON.stringify(data, null, 2));
}

export class ConversationList {
  // opened() is called after the user chose a conversation.
  constructor(chat, opened) {
    this.chat = chat;
    this.opened = opened;
    this.known = [];
    this.renaming = "";  // the id whose name is being edited
    byId("new-conversation").addEventListener("click", () => this.startNew());
    byId("export-all").addEventListener("click", () => exportAs("conversations", this.known));
  }

  // Opens what was open before a reload.
  async load() {
    this.known = await loadConversations();
    const last = this.known.find((each) => each.id === loadValue("open", "")) ?? this.known[0];
    if (last) this.chat.open(last);
    this.draw();
  }

  // The open conversation joins the list with its first message.
  async show() {
    const {conversation} = this.chat;
    const kept = (await loadConversations()).filter((each) => each.id !== conversation.id);
    this.known = conversation.messages.length > 0 ? [conversation, ...kept] : kept;
    this.known.sort((a, b) => b.updated - a.updated);
    saveValue("open", conversation.id);
    this.draw();
  }

  open(conversation) {
    if (conversation.id !== this.chat.conversation.id) this.chat.open(conversation);
    saveValue("open", conversation.id);
    this.draw();
    this.opened();
  }

  startNew() {
    this.open(newConversation());
  }

  // The one above (-1) or below (1).
  move(step) {
    const at = this.known.findIndex((each) => each.id === this.chat.conversation.id);
    const next = this.known[at < 0 ? 0 : at + step];
    if (next) this.open(next);
  }

  async rename(conversation, title) {
    this.renaming = "";
    if (title.trim()) {
      conversation.title = title.trim();
      conversation.named = true;
      await saveConversation(conversation);
    }
    this.draw();
  }

  async remove(conversation) {
    await deleteConversation(conversation.id);
    this.known = this.known.filter((each) => each !== conversation);
    if (conversation.id === this.chat.conversation.id) this.open(this.known[0] ?? newConversation());
    this.draw();
    notify("The conversation was deleted.", {text: "Undo", run: async () => {
      await saveConversation(conversation);
      this.known = await loadConversations();
      this.draw();
    }});
  }

  draw() {
    byId("conversations").replaceChildren(...this.known.map((each) =>
      element("li", {}, each.id === this.renaming ? this.nameField(each) : this.row(each))));
    byId("conversations").querySelector("input")?.select();
  }

  row(each) {
    const current = each.id === this.chat.conversation.id;
    const rename = () => {
      this.renaming = each.id;
      this.draw();
    };
    return element("div", {class: "entry"},
      element("button", {class: "title", "aria-current": current && "true", onclick: () => this.open(each)},
              each.title),
      element("span", {class: "tools"},
              smallButton("Rename", `Rename ${each.title}`, rename),
              smallButton("Export", `Export ${each.title}`, () => exportAs(each.title, each)),
              smallButton("Delete", `Delete ${each.title}`, () => this.remove(each))));
  }

  nameField(each) {
    const field = element("input", {value: each.title, "aria-label": "New name"});
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.rename(each, field.value);
      if (event.key === "Escape") this.rename(each, "");
      if (event.key === "Enter" || event.key === "Escape") event.stopPropagation();
    });
    field.addEventListener("blur", () => {
      if (this.renaming === each.id) this.rename(each, field.value);
    });
    return field;
  }
}
