// A small line plot of the last readings, drawn as SVG.
import {element} from "/web/dom.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 240;
const HEIGHT = 56;
export const POINTS = 120;

function drawing(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

export class Plot {
  // format(value) is the text of a value; lines: a name for each line.
  constructor(title, format, lines) {
    this.format = format;
    this.lines = lines.map((name) => ({name, values: []}));
    this.now = element("p", {class: "now"});
    this.top = element("span", {class: "quiet"});
    this.paths = lines.map((_, at) => drawing("polyline", {class: `line line-${at}`, fill: "none"}));
    const picture = drawing("svg", {viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img",
                                    "aria-label": `${title}, the last two minutes`});
    picture.append(...this.paths);
    this.node = element("figure", {}, element("figcaption", {}, title, " ", this.top), this.now, picture);
  }

  // One value a line; null leaves a gap of nothing known.
  add(values) {
    this.lines.forEach((line, at) => {
      line.values.push(values[at]);
      if (line.values.length > POINTS) line.values.shift();
    });
    this.draw();
  }

  draw() {
    const known = this.lines.flatMap((line) => line.values).filter((value) => value !== null);
    const top = Math.max(...known, 0);
    this.top.textContent = known.length > 0 ? `up to ${this.format(top)}` : "";
    this.now.replaceChildren(...this.lines.map((line, at) => {
      const value = line.values.at(-1) ?? null;
      const text = value === null ? "–" : this.format(value);
      return element("span", {class: `value line-${at}`}, line.name ? `${line.name} ${text}` : text);
    }));
    this.lines.forEach((line, at) => {
      const points = [];
      line.values.forEach((value, index) => {
        if (value === null) return;
        const x = WIDTH - (line.values.length - 1 - index) * (WIDTH / (POINTS - 1));
        const y = HEIGHT - 2 - (top > 0 ? value / top : 0) * (HEIGHT - 4);
        points.push(`${x.toFixed(1)},${y.toFixed(1)}`);
      });
      this.paths[at].setAttribute("points", points.join(" "));
    });
  }
}
