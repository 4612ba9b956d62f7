// Shows Markdown text while it grows: blocks that did not change keep their
// elements, so that a selection in them stays and long answers stay cheap.
import {element, smallButton} from "/web/dom.js";
import {blocks} from "/web/markdown_blocks.js";
import {inline} from "/web/markdown_inline.js";

const DEEPEST = 6;  // quotes and lists within each other

export function showMarkdown(container, text) {
  const wanted = blocks(text);
  wanted.forEach((block, at) => {
    const key = JSON.stringify(block);
    const shown = container.children[at];
    if (shown?.dataset.key === key) return;
    const node = build(block, 0);
    node.dataset.key = key;
    if (shown) {
      shown.replaceWith(node);
    } else {
      container.append(node);
    }
  });
  while (container.children.length > wanted.length) container.lastElementChild.remove();
}

function nested(text, depth) {
  if (depth >= DEEPEST) return [text];
  const inner = blocks(text);
  // One paragraph needs no <p> of its own within an item.
  if (inner.length === 1 && inner[0].kind === "text") return inlineLines(inner[0].text);
  return inner.map((block) => build(block, depth + 1));
}

// Single newlines are kept: models mean them.
function inlineLines(text) {
  return text.split("\n").flatMap((line, at) => at === 0 ? inline(line) : [element("br"), ...inline(line)]);
}

function build(block, depth) {
  switch (block.kind) {
    case "code":
      return codeBlock(block);
    case "heading":
      // The page's own headings are h1 and h2.
      return element(`h${Math.min(6, block.level + 2)}`, {}, ...inline(block.text));
    case "rule":
      return element("hr");
    case "list":
      return element(block.ordered ? "ol" : "ul", {start: block.ordered && block.start},
                     ...block.items.map((item) => element("li", {}, ...nested(item, depth))));
    case "quote":
      return element("blockquote", {}, ...nested(block.text, depth));
    case "table":
      return table(block.rows);
    default:
      return element("p", {}, ...inlineLines(block.text));
  }
}

function codeBlock(block) {
  const copy = smallButton("Copy", "Copy this code", async () => {
    await navigator.clipboard.writeText(block.text);
    copy.textContent = "Copied";
  });
  return element("div", {class: "code"},
                 element("div", {class: "row"}, element("span", {class: "quiet"}, block.language),
                         element("span", {class: "gap"}), copy),
                 element("pre", {tabindex: "0"}, element("code", {}, block.text)));
}

function table(rows) {
  const row = (cells, tag) =>
    element("tr", {}, ...cells.map((cell) => element(tag, {}, ...inline(cell))));
  return element("div", {class: "scroll"}, element("table", {},
                 element("thead", {}, row(rows[0], "th")),
                 element("tbody", {}, ...rows.slice(1).map((cells) => row(cells, "td")))));
}
