// Starts the page and joins its parts: which view is shown, the conversation's
// view, dialogs, the model's name.
import {getJson, onKeyWanted} from "/web/api.js";
import {Chat} from "/web/chat.js";
import {ChatView} from "/web/chat_view.js";
import {Composer} from "/web/composer.js";
import {ConversationList} from "/web/conversation_list.js";
import {byId, element, notify} from "/web/dom.js";
import {askForKey} from "/web/key_dialog.js";
import {fillShortcuts, listenForShortcuts} from "/web/keys.js";
import {THINKING, fillSettings, requestFields, resetSettings, setThinking, showDefaults, systemText, thinking}
  from "/web/settings.js";
import {StatusView} from "/web/status_view.js";
import {openStore} from "/web/store.js";

let model = "hadal";

const chat = new Chat({
  change: () => view.update(),
  begin: () => list.show(),
  end: (answer) => {
    view.update();
    list.show();
    byId("announcer").textContent = answer.error || "The answer is complete.";
  },
}, () => requestFields(model), systemText);
const view = new ChatView(chat);
const composer = new Composer((text, files) => chat.send(text, files), () => chat.stop());
const list = new ConversationList(chat, () => {
  show("chat");
  closeSidebar();
  composer.focus();
});
const status = new StatusView();

function show(name) {
  for (const each of ["chat", "status"]) {
    byId(`${each}-view`).hidden = each !== name;
    byId(`view-${each}`).setAttribute("aria-pressed", String(each === name));
  }
  status.run(name === "status");
}

function setSidebar(open) {
  byId("sidebar").classList.toggle("open", open);
  byId("show-list").setAttribute("aria-expanded", String(open));
  if (open) byId("new-conversation").focus();
}
const closeSidebar = () => setSidebar(false);
const toggleSidebar = () => setSidebar(!byId("sidebar").classList.contains("open"));

function fillThinking() {
  const select = byId("thinking");
  select.replaceChildren(...THINKING.map(([value, text]) => element("option", {value}, text)));
  select.value = thinking();
  select.addEventListener("change", () => setThinking(select.value));
}

function reset() {
  resetSettings();
  byId("thinking").value = thinking();
}

async function readServer() {
  const models = await getJson("/v1/models");
  model = models.data?.[0]?.id ?? model;
  byId("model-name").textContent = model;
  const props = await getJson("/props");
  showDefaults(props.default_sampling ?? props.default_generation_settings?.params);
}

const actions = {
  new: () => list.startNew(),
  status: () => show(byId("status-view").hidden ? "status" : "chat"),
  settings: () => byId("settings").showModal(),
  help: () => byId("help").showModal(),
  focus: () => {
    show("chat");
    composer.focus();
  },
  stop: () => {
    closeSidebar();
    chat.stop();
  },
  retry: () => chat.retry(),
  previous: () => list.move(-1),
  next: () => list.move(1),
};

async function start() {
  // What no part expected, such as a full disk, is shown and not lost.
  addEventListener("unhandledrejection", (event) => notify(String(event.reason?.message ?? event.reason)));
  onKeyWanted(askForKey);
  fillShortcuts();
  fillSettings();
  fillThinking();
  listenForShortcuts(actions);
  byId("view-chat").addEventListener("click", () => show("chat"));
  byId("view-status").addEventListener("click", () => show("status"));
  byId("open-settings").addEventListener("click", actions.settings);
  byId("settings-reset").addEventListener("click", reset);
  byId("open-help").addEventListener("click", actions.help);
  byId("show-list").addEventListener("click", toggleSidebar);
  if (!await openStore()) notify("This browser keeps no data: conversations end with this tab.");
  await list.load();
  composer.focus();
  document.body.dataset.ready = "yes";
  await readServer().catch((error) => notify(`The server's description could not be read: ${error.message}`));
}

start();
