// Cuts Markdown text into blocks by lines:
//   {kind: "code", language, text} {kind: "heading", level, text}
//   {kind: "rule"} {kind: "list", ordered, start, items: [text]}
//   {kind: "quote", text} {kind: "table", rows: [[cell]]} {kind: "text", text}

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*(\S*)/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const RULE = /^ {0,3}([-*_])(\s*\1){2,}\s*$/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])\s+(.*)$/;
const QUOTE = /^ {0,3}> ?(.*)$/;
const TABLE_LINE = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

const starts = (line) => FENCE.test(line) || HEADING.test(line) || RULE.test(line) ||
  ITEM.test(line) || QUOTE.test(line);

export function blocks(text) {
  const lines = text.split("\n");
  const found = [];
  let at = 0;
  while (at < lines.length) {
    if (lines[at].trim() === "") {
      ++at;
      continue;
    }
    const reader = READERS.find((read) => read.applies(lines, at));
    const {block, next} = reader.read(lines, at);
    found.push(block);
    at = next;
  }
  return found;
}

function cells(line) {
  return line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));
}

// Lines from `at` while `goes_on` holds.
function run(lines, at, goes_on) {
  let end = at;
  while (end < lines.length && goes_on(lines[end])) ++end;
  return end;
}

function readCode(lines, at) {
  const [, fence, language] = FENCE.exec(lines[at]);
  const closes = (line) => line.trim().length >= fence.length &&
    line.trim() === fence[0].repeat(line.trim().length);
  const end = run(lines, at + 1, (line) => !closes(line));
  return {block: {kind: "code", language, text: lines.slice(at + 1, end).join("\n")}, next: end + 1};
}

function readList(lines, at) {
  const [, , first] = ITEM.exec(lines[at]);
  const ordered = /\d/.test(first);
  const items = [];
  let next = at;
  while (next < lines.length) {
    const item = ITEM.exec(lines[next]);
    if (item && /\d/.test(item[2]) === ordered) {
      items.push(item[3]);
      ++next;
    } else if (/^\s{2,}\S/.test(lines[next])) {
      // An indented line belongs to the item above it.
      items[items.length - 1] += `\n${lines[next].replace(/^ {1,4}|^\t/, "")}`;
      ++next;
    } else if (lines[next].trim() === "" && next + 1 < lines.length &&
               (ITEM.test(lines[next + 1]) || /^\s{2,}\S/.test(lines[next + 1]))) {
      items[items.length - 1] += "\n";
      ++next;
    } else {
      break;
    }
  }
  return {block: {kind: "list", ordered, start: ordered ? parseInt(first, 10) : 1, items}, next};
}

function readTable(lines, at) {
  const end = run(lines, at + 2, (line) => line.includes("|"));
  const rows = [lines[at], ...lines.slice(at + 2, end)].map(cells);
  return {block: {kind: "table", rows}, next: end};
}

function readQuote(lines, at) {
  const end = run(lines, at, (line) => QUOTE.test(line));
  return {block: {kind: "quote", text: lines.slice(at, end).map((line) => QUOTE.exec(line)[1]).join("\n")},
          next: end};
}

function readHeading(lines, at) {
  const [, marks, text] = HEADING.exec(lines[at]);
  return {block: {kind: "heading", level: marks.length, text}, next: at + 1};
}

function readText(lines, at) {
  const end = run(lines, at + 1, (line) => line.trim() !== "" && !starts(line));
  return {block: {kind: "text", text: lines.slice(at, end).join("\n")}, next: end};
}

// The first that applies reads; the last always does.
const READERS = [
  {applies: (lines, at) => FENCE.test(lines[at]), read: readCode},
  {applies: (lines, at) => HEADING.test(lines[at]), read: readHeading},
  {applies: (lines, at) => RULE.test(lines[at]), read: (_, at) => ({block: {kind: "rule"}, next: at + 1})},
  {applies: (lines, at) => ITEM.test(lines[at]), read: readList},
  {applies: (lines, at) => QUOTE.test(lines[at]), read: readQuote},
  {applies: (lines, at) => lines[at].includes("|") && TABLE_LINE.test(lines[at + 1] ?? "") &&
     (lines[at + 1] ?? "").includes("-"), read: readTable},
  {applies: () => true, read: readText},
];
