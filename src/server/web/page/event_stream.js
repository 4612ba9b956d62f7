// Reads server-sent events from a fetch response. Browsers' EventSource can
// neither POST nor send a key.

// Yields {event, data}. Comment lines are skipped; bytes may be cut anywhere, also
// within a character.
export async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let event = "";
  let data = [];
  try {
    for (;;) {
      const {value, done} = await reader.read();
      if (done) return;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const raw of lines) {
        const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
        if (line === "") {
          if (data.length > 0) yield {event, data: data.join("\n")};
          event = "";
          data = [];
        } else if (!line.startsWith(":")) {
          const colon = line.indexOf(":");
          const name = colon < 0 ? line : line.slice(0, colon);
          const text = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
          if (name === "data") data.push(text);
          if (name === "event") event = text;
        }
      }
    }
  } finally {
    // Leaving the loop early ends the request, which cancels it on the server.
    reader.cancel().catch(() => {});
  }
}
