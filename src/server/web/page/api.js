// Calls to the server this page came from, with the API key where it wants one.
import {events} from "/web/event_stream.js";

const KEY = "hadal.key";

export class ApiFailure extends Error {
  constructor(status, message, retryAfter = 0) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;  // seconds; 0: the server did not say
  }
}

const storedKey = () => sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY) ?? "";

// Without `keep` the key is forgotten with the tab.
export function setKey(key, keep) {
  sessionStorage.setItem(KEY, key);
  if (keep) {
    localStorage.setItem(KEY, key);
  } else {
    localStorage.removeItem(KEY);
  }
}

// Asks the user for a key; resolves to whether there is a new one. Set by app.js.
let askForKey = async () => false;
export function onKeyWanted(ask) {
  askForKey = ask;
}

async function call(path, options = {}) {
  for (;;) {
    const headers = {...options.headers};
    const key = storedKey();
    if (key) headers.Authorization = `Bearer ${key}`;
    const response = await fetch(path, {...options, headers});
    if (response.status === 401 && !options.quiet && await askForKey(key !== "")) continue;
    if (!response.ok) throw await failureOf(response);
    return response;
  }
}

async function failureOf(response) {
  const text = await response.text();
  let message = text;
  try {
    message = JSON.parse(text).error.message ?? text;
  } catch {
    // Not JSON, perhaps from a proxy: shown as it is.
  }
  return new ApiFailure(response.status, message || `The server answered ${response.status}.`,
                        Number(response.headers.get("Retry-After")) || 0);
}

export async function getJson(path, options) {
  return (await call(path, options)).json();
}

export async function getText(path, options) {
  return (await call(path, options)).text();
}

// POSTs a streamed chat completion. `on.chunk` gets each chunk, `on.progress`
// the tokens of the prompt that are read, as (done, total). Resolves at the end
// of the stream; rejects with ApiFailure, or AbortError when `signal` fires.
export async function streamChat(request, on, signal) {
  const response = await call("/v1/chat/completions", {
    method: "POST",
    headers: {"Content-Type": "application/json"},
    body: JSON.stringify({...request, stream: true, stream_options: {include_usage: true},
                          return_progress: true}),
    signal,
  });
  let ended = false;
  for await (const {data} of events(response.body)) {
    if (data === "[DONE]") {
      ended = true;
    } else {
      const chunk = JSON.parse(data);
      if (chunk.error) throw new ApiFailure(0, chunk.error.message ?? "The answer failed.");
      const progress = chunk.prompt_progress;
      if (progress) on.progress(progress.processed, progress.total);
      on.chunk(chunk);
    }
  }
  if (!ended && !signal.aborted) throw new ApiFailure(0, "The connection broke before the answer ended.");
}
