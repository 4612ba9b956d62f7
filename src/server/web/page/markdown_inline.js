// Markdown within a line: code, bold, italic, strike, links. Makes nodes, never HTML.
// Pictures are shown as links, since this page asks no other server for anything.
import {element} from "/web/dom.js";

const RULES = [
  {pattern: /(`+)(.+?)\1(?!`)/s, make: (m) => element("code", {}, m[2].trim() || m[2])},
  {pattern: /!?\[([^\]\n]*)\]\(\s*(\S+?)(?:\s+"[^"\n]*")?\s*\)/, make: (m) => link(m[2], m[1] || m[2])},
  {pattern: /<(https?:\/\/[^\s<>]+)>/, make: (m) => link(m[1], m[1])},
  {pattern: /\bhttps?:\/\/[^\s<>()"'`]*[^\s<>()"'`.,;:!?]/, make: (m) => link(m[0], m[0])},
  {pattern: /\*\*(?=\S)(.+?\S?)\*\*/s, make: (m) => element("strong", {}, ...inline(m[1]))},
  {pattern: /(?<![\w])__(?=\S)(.+?\S?)__(?!\w)/s, make: (m) => element("strong", {}, ...inline(m[1]))},
  {pattern: /\*(?=[^\s*])([^*]*[^\s*])\*/s, make: (m) => element("em", {}, ...inline(m[1]))},
  {pattern: /(?<!\w)_(?=[^\s_])([^_]*[^\s_])_(?!\w)/s, make: (m) => element("em", {}, ...inline(m[1]))},
  {pattern: /~~(?=\S)(.+?\S?)~~/s, make: (m) => element("del", {}, ...inline(m[1]))},
];

// Only web addresses become links; "javascript:" and the like stay text.
function link(address, text) {
  let url = null;
  try {
    url = new URL(address);
  } catch {
    // A relative address has no meaning in an answer.
  }
  if (!url || !["http:", "https:", "mailto:"].includes(url.protocol)) return `${text} (${address})`;
  return element("a", {href: url.href, target: "_blank", rel: "noopener noreferrer"}, text);
}

// The nodes of `text`: at each place the rule that matches first wins.
export function inline(text) {
  const nodes = [];
  let rest = text;
  while (rest !== "") {
    let best = null;
    for (const rule of RULES) {
      const match = rule.pattern.exec(rest);
      if (match && (!best || match.index < best.match.index)) best = {rule, match};
    }
    if (!best) break;
    if (best.match.index > 0) nodes.push(rest.slice(0, best.match.index));
    nodes.push(best.rule.make(best.match));
    rest = rest.slice(best.match.index + best.match[0].length);
  }
  if (rest !== "") nodes.push(rest);
  return nodes;
}
