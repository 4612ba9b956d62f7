// The conversation that is open and the answer that is being written: every
// action of the chat view. Shows nothing itself.
import {ApiFailure, streamChat} from "/web/api.js";
import {applyChunk, newAnswer, newConversation, openCalls, retitle, wireMessages}
  from "/web/conversation.js";
import {saveConversation} from "/web/store.js";

const SAVE_MS = 1000;  // a reload loses at most this much of an answer

export class Chat {
  // on.change(): there is something new to show; on.begin(), on.end(answer):
  // around an answer.
  // request(): the fields that the settings add to a request.
  constructor(on, request, system) {
    this.on = on;
    this.request = request;
    this.system = system;
    this.conversation = newConversation();
    this.progress = null;  // {done, total} while the prompt is read
    this.running = null;   // AbortController of the answer being written
  }

  open(conversation) {
    this.stop();
    this.conversation = conversation;
    this.on.change();
  }

  // A conversation as it was before.
  async restore(conversation) {
    this.open(conversation);
    await this.keep();
    this.on.begin();
  }

  stop() {
    this.running?.abort();
  }

  // A user's message. With calls still open, their results are said to be none.
  send(content, files) {
    for (const call of openCalls(this.conversation)) this.addResult(call, "");
    this.conversation.messages.push({role: "user", content, files});
    retitle(this.conversation);
    return this.generate();
  }

  addResult(call, content) {
    this.conversation.messages.push({role: "tool", call: call.id, name: call.name, content});
  }

  // The model goes on when every call has its result.
  async giveResult(call, content) {
    this.addResult(call, content);
    if (openCalls(this.conversation).length === 0) return this.generate();
    await this.keep();
    this.on.change();
  }

  // Again from the last message that is not the model's.
  retry() {
    const {messages} = this.conversation;
    while (messages.at(-1)?.role === "assistant") messages.pop();
    return messages.length > 0 ? this.generate() : undefined;
  }

  // What came after the edited message goes.
  edit(index, content) {
    const {messages} = this.conversation;
    messages.splice(index, messages.length, {...messages[index], content});
    retitle(this.conversation);
    return this.generate();
  }

  keep() {
    this.conversation.updated = Date.now();
    return saveConversation(this.conversation);
  }

  async generate() {
    this.stop();
    const conversation = this.conversation;
    const running = this.running = new AbortController();
    let request;
    const answer = newAnswer();
    try {
      request = {...this.request(), messages: wireMessages(conversation, this.system())};
    } catch (error) {
      answer.error = error.message;  // a setting that is no JSON
    }
    conversation.messages.push(answer);
    await this.keep();
    this.on.begin();
    this.on.change();
    if (request) await this.stream(conversation, answer, request, running);
    answer.calls = answer.calls.filter(isWhole);
    if (this.running === running) {
      this.running = null;
      this.progress = null;
    }
    conversation.updated = Date.now();
    await saveConversation(conversation);
    this.on.end(answer);
  }

  async stream(conversation, answer, request, running) {
    const times = {sent: performance.now(), first: 0, last: 0};
    let saved = times.sent;
    const chunk = (piece) => {
      const now = performance.now();
      if (applyChunk(answer, piece)) {
        times.first ||= now;
        times.last = now;
        this.progress = null;
      }
      if (piece.usage) answer.stats = statsOf(piece, times);
      if (now - saved > SAVE_MS) {
        saved = now;
        saveConversation(conversation);
      }
      this.on.change();
    };
    const progress = (done, total) => {
      this.progress = {done, total};
      this.on.change();
    };
    try {
      await streamChat(request, {chunk, progress}, running.signal);
    } catch (error) {
      if (error.name === "AbortError") {
        answer.finish = "stopped";
      } else {
        answer.error = explain(error);
      }
    }
  }
}

// A call that was cut off cannot be sent back.
function isWhole(call) {
  try {
    JSON.parse(call.arguments);
    return call.id !== "" && call.name !== "";
  } catch {
    return false;
  }
}

function explain(error) {
  if (!(error instanceof ApiFailure)) return `The server could not be reached (${error.message}).`;
  const wait = error.retryAfter ? ` Try again in ${error.retryAfter} s.` : "";
  return error.message + wait;
}

// Numbers shown under an answer. Times are those of this browser, so they hold
// the network and the queue too.
function statsOf(chunk, times) {
  const usage = chunk.usage;
  const tokens = usage.completion_tokens ?? 0;
  const seconds = (times.last - times.first) / 1000;
  return {
    prompt: usage.prompt_tokens ?? 0,
    cached: usage.prompt_tokens_details?.cached_tokens ?? 0,
    tokens,
    reasoning: usage.completion_tokens_details?.reasoning_tokens ?? 0,
    firstSeconds: times.first ? (times.first - times.sent) / 1000 : 0,
    perSecond: seconds > 0 && tokens > 1 ? (tokens - 1) / seconds : 0,
  };
}
