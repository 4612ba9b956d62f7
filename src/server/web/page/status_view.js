// The status view: reads /metrics and /slots every second while it is shown.
import {getJson, getText} from "/web/api.js";
import {byId, element} from "/web/dom.js";
import {meanOf, rate, readMetrics} from "/web/metrics.js";
import {Plot} from "/web/plot.js";

const EVERY_MS = 1000;

const whole = (value) => Math.round(value).toLocaleString();
const speed = (value) => `${value < 100 ? value.toFixed(1) : whole(value)}/s`;
const seconds = (value) => value < 1 ? `${(value * 1000).toFixed(0)} ms` : `${value.toFixed(2)} s`;
function bytes(value) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let at = 0;
  for (; value >= 1000 && at < units.length - 1; ++at) value /= 1000;
  return `${at > 0 && value < 100 ? value.toFixed(1) : Math.round(value)} ${units[at]}`;
}

// title, format, [[name of the line, value of two readings]].
const gauge = (name) => (_, now) => now.get(name) ?? null;
const counter = (name) => (before, now, passed) => rate(before, now, name, passed);
const mean = (name) => (before, now) => meanOf(before, now, name);
const PLOTS = [
  ["Requests", whole, [["running", gauge("hadal_requests_running")], ["queued", gauge("hadal_requests_queued")]]],
  ["Tokens generated", speed, [["", counter("hadal_generated_tokens_total")]]],
  ["Prompt tokens", speed, [["computed", counter("hadal_prompt_tokens_total")],
                            ["cached", counter("hadal_cached_tokens_total")]]],
  ["Time to first token", seconds, [["", mean("hadal_time_to_first_token_seconds")]]],
  ["Between tokens", seconds, [["", mean("hadal_inter_token_seconds")]]],
  ["Cache memory", bytes, [["used", gauge("hadal_cache_bytes_used")], ["of", gauge("hadal_cache_bytes_budget")]]],
  ["Saved prefixes", bytes, [["memory", gauge("hadal_saved_prefix_bytes")], ["disk", gauge("hadal_disk_cache_bytes")]]],
];

export class StatusView {
  constructor() {
    this.timer = 0;
    this.before = null;  // the reading before
    this.read_at = 0;
    this.plots = PLOTS.map(([title, format, lines]) => {
      const plot = new Plot(title, format, lines.map(([name]) => name));
      byId("plots").append(plot.node);
      return plot;
    });
  }

  run(on) {
    clearTimeout(this.timer);
    this.timer = 0;
    if (on) this.read();
  }

  async read() {
    const timer = this.timer = setTimeout(() => this.read(), EVERY_MS);
    try {
      const [text, slots] = await Promise.all([getText("/metrics"), getJson("/slots")]);
      this.showMetrics(readMetrics(text));
      this.showSequences(Array.isArray(slots) ? slots : slots.sequences ?? []);
      this.showError("");
    } catch (error) {
      this.showError(`The server's status could not be read: ${error.message}`);
      // Not again every second while somebody looks for the key.
      if (error.status === 401 && this.timer === timer) this.run(false);
    }
  }

  showError(text) {
    byId("status-error").textContent = text;
    byId("status-error").hidden = text === "";
  }

  showMetrics(now) {
    const time = performance.now() / 1000;
    const passed = time - this.read_at;
    PLOTS.forEach(([, , lines], at) =>
      this.plots[at].add(lines.map(([, value]) => value(this.before, now, passed))));
    this.before = now;
    this.read_at = time;
  }

  showSequences(sequences) {
    byId("no-sequences").hidden = sequences.length > 0;
    byId("sequences").hidden = sequences.length === 0;
    byId("sequences").tBodies[0].replaceChildren(...sequences.map((each) => element("tr", {},
      ...[String(each.id), each.phase ?? "", `${whole(each.prompt_done ?? 0)} of ${whole(each.prompt_tokens ?? 0)}`,
          whole(each.cached_tokens ?? 0), whole(each.generated_tokens ?? 0), (each.seconds ?? 0).toFixed(1)]
        .map((text) => element("td", {}, text)))));
  }
}
