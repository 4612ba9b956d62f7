// Conversations and settings in this browser: IndexedDB, since conversations
// with attached files outgrow localStorage.

let database = null;

function promised(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

// Without IndexedDB (some private windows) everything lasts as long as the tab.
const memory = new Map();

export async function openStore() {
  try {
    const request = indexedDB.open("hadal", 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("conversations", {keyPath: "id"});
    };
    database = await promised(request);
    return true;
  } catch {
    return false;
  }
}

const records = (mode) => database.transaction("conversations", mode).objectStore("conversations");

// Newest first.
export async function loadConversations() {
  const all = database ? await promised(records("readonly").getAll()) : [...memory.values()];
  return all.sort((a, b) => b.updated - a.updated);
}

export async function saveConversation(conversation) {
  if (!database) {
    memory.set(conversation.id, structuredClone(conversation));
    return;
  }
  await promised(records("readwrite").put(conversation));
}

export async function deleteConversation(id) {
  if (!database) {
    memory.delete(id);
    return;
  }
  await promised(records("readwrite").delete(id));
}

// Small values: settings, the conversation that was open.
export function loadValue(name, fallback) {
  try {
    return JSON.parse(localStorage.getItem(`hadal.${name}`)) ?? fallback;
  } catch {
    return fallback;
  }
}

export function saveValue(name, value) {
  localStorage.setItem(`hadal.${name}`, JSON.stringify(value));
}
