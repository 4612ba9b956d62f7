// The field for the next message, with its attached files and the stop button.
import {byId, element, notify, smallButton} from "/web/dom.js";

const FILE_LIMIT = 2 * 1024 * 1024;  // bytes; a text of that size fills any context

export class Composer {
  constructor(send, stop) {
    this.send = send;
    this.files = [];
    this.text = byId("composer-text");
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.submit();
    });
    byId("stop").addEventListener("click", stop);
    byId("attach").addEventListener("click", () => byId("file").click());
    byId("file").addEventListener("change", async () => {
      await this.add([...byId("file").files]);
      byId("file").value = "";
    });
    this.acceptDrops();
  }

  focus() {
    this.text.focus();
  }

  submit() {
    const text = this.text.value.trim();
    // One answer at a time; what is typed stays until it can be sent.
    if ((text === "" && this.files.length === 0) || byId("send").disabled) return;
    this.text.value = "";
    const files = this.files;
    this.files = [];
    this.showFiles();
    this.send(text, files);
  }

  acceptDrops() {
    const view = byId("chat-view");
    view.addEventListener("dragover", (event) => event.preventDefault());
    view.addEventListener("drop", (event) => {
      event.preventDefault();
      this.add([...event.dataTransfer.files]);
    });
  }

  async add(files) {
    for (const file of files) {
      if (file.size > FILE_LIMIT) {
        notify(`${file.name} is larger than ${FILE_LIMIT >> 20} MB.`);
        continue;
      }
      try {
        const text = new TextDecoder("utf-8", {fatal: true}).decode(await file.arrayBuffer());
        this.files.push({name: file.name, text});
      } catch {
        notify(`${file.name} is no text in UTF-8.`);
      }
    }
    this.showFiles();
    this.focus();
  }

  showFiles() {
    byId("attachments").replaceChildren(...this.files.map((file) => element("li", {}, file.name, " ",
      smallButton("Remove", `Remove ${file.name}`, () => {
        this.files = this.files.filter((other) => other !== file);
        this.showFiles();
        this.focus();
      }))));
  }
}
