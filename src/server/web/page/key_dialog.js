// Asks for the API key when the server answers 401.
import {setKey} from "/web/api.js";
import {byId} from "/web/dom.js";

let waiting = null;  // the promise of the question that is open

// Resolves to whether there is a key to try. Questions at the same time share
// one dialog. `refused`: the server did not take the key that was sent.
export function askForKey(refused) {
  waiting ??= new Promise((resolve) => {
    const dialog = byId("key-dialog");
    byId("key-title").textContent =
      refused ? "The server did not take this API key" : "This server wants an API key";
    byId("key").value = "";
    const end = (given) => {
      waiting = null;
      dialog.close();
      resolve(given);
    };
    byId("key-form").onsubmit = (event) => {
      event.preventDefault();
      setKey(byId("key").value.trim(), byId("key-keep").checked);
      end(true);
    };
    byId("key-cancel").onclick = () => end(false);
    dialog.oncancel = () => end(false);
    dialog.showModal();
  });
  return waiting;
}
