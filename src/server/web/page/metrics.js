// Reads the Prometheus text of /metrics.

const LINE = /^([a-zA-Z_:][\w:]*)(\{[^}]*\})?\s+(\S+)/;

// A map from name to the sum over its labels. Buckets of histograms are left
// out, since their sum means nothing; _sum and _count are there.
export function readMetrics(text) {
  const values = new Map();
  for (const line of text.split("\n")) {
    const match = LINE.exec(line);
    if (!match || match[1].endsWith("_bucket")) continue;
    const value = Number(match[3]);
    if (Number.isFinite(value)) values.set(match[1], (values.get(match[1]) ?? 0) + value);
  }
  return values;
}

// How fast a counter grew between two readings; null before the second, and
// when the server was started again in between.
export function rate(before, now, name, seconds) {
  if (!before || !before.has(name) || !now.has(name) || seconds <= 0) return null;
  const grown = now.get(name) - before.get(name);
  return grown < 0 ? null : grown / seconds;
}

// The mean of what a histogram saw between two readings; null if nothing.
export function meanOf(before, now, name) {
  if (!before) return null;
  const count = (now.get(`${name}_count`) ?? 0) - (before.get(`${name}_count`) ?? 0);
  const sum = (now.get(`${name}_sum`) ?? 0) - (before.get(`${name}_sum`) ?? 0);
  return count > 0 ? sum / count : null;
}
