// The messages of the open conversation.
import {openCalls} from "/web/conversation.js";
import {byId, notify} from "/web/dom.js";
import {MessageView} from "/web/message_view.js";

const NEAR_PIXELS = 80;  // this close to the end counts as reading the end

export class ChatView {
  constructor(chat) {
    this.chat = chat;
    this.list = byId("messages");
    this.views = [];
    this.drawing = false;
  }

  // At most one drawing a frame, however fast tokens come.
  update() {
    if (this.drawing) return;
    this.drawing = true;
    const draw = () => {
      this.drawing = false;
      this.draw();
    };
    // A tab in the background gets no frames.
    if (document.hidden) setTimeout(draw, 250);
    else requestAnimationFrame(draw);
  }

  draw() {
    const {conversation, running, progress} = this.chat;
    const at_end = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < NEAR_PIXELS;
    const grew = this.match(conversation.messages);
    const open = openCalls(conversation);
    this.views.forEach((view, at) => {
      const last = at === this.views.length - 1;
      view.update({running: Boolean(running) && last, progress, last, open});
    });
    byId("stop").hidden = !running;
    byId("send").disabled = Boolean(running);
    this.list.setAttribute("aria-busy", String(Boolean(running)));
    document.title = `${conversation.title} – Hadal`;
    if (at_end || grew) this.list.scrollTop = this.list.scrollHeight;
  }

  // One view a message; those whose message is still the same stay. True if a
  // message came to the end.
  match(messages) {
    let same = 0;
    while (same < messages.length && this.views[same]?.message === messages[same]) ++same;
    for (const view of this.views.splice(same)) view.node.remove();
    for (const message of messages.slice(same)) {
      const view = new MessageView(message, this.actionsOf(message));
      this.views.push(view);
      this.list.append(view.node);
    }
    return same < messages.length;
  }

  actionsOf(message) {
    return {
      edit: (text) => this.undoable("The message was edited.", () =>
        this.chat.edit(this.chat.conversation.messages.indexOf(message), text)),
      retry: () => this.chat.retry(),
      result: (call, text) => this.chat.giveResult(call, text),
    };
  }

  // Offers the conversation as it was.
  undoable(text, change) {
    const before = structuredClone(this.chat.conversation);
    change();
    notify(text, {text: "Undo", run: () => this.chat.restore(before)});
  }
}
