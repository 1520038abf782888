/** Curves: SVG to look at, and the same values as a table to read. */

import { html, svg } from "./dom.js";
import { date } from "./words.js";

/** @import {Drawdown, Point, Words} from "./types" */

const WIDTH = 340;
const HEIGHT = 150;
const EDGE = { top: 14, right: 10, bottom: 22, left: 46 };

/**
 * @param {Point[]} points in the order of their days @param {string} name what the values are @param {Words} words
 * @param {Drawdown} [drawdown]
 */
export function curve(points, name, words, drawdown) {
  const values = points.map(([, value]) => Number(value));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = (high - low || Math.abs(high) || 1) * 0.08;
  const [floor, top] = [low - room, high + room];
  /** @param {number} index */
  const x = (index) => EDGE.left + (index / (points.length - 1)) * (WIDTH - EDGE.left - EDGE.right);
  /** @param {number} value */
  const y = (value) => EDGE.top + ((top - value) / (top - floor)) * (HEIGHT - EDGE.top - EDGE.bottom);
  /** @param {number} index */
  const at = (index) => `${x(index).toFixed(1)},${y(values[index]).toFixed(1)}`;
  /** @param {string} day */
  const on = (day) => x(points.findIndex((point) => point[0] === day));
  const line = values.map((_, index) => at(index)).join(" ");
  const [first, last] = [points[0][0], points[points.length - 1][0]];
  const marks = [values.indexOf(high), values.indexOf(low)];
  const [highText, lowText] = marks.map((index) => points[index][1]);

  const drawn = svg(
    "svg",
    { class: "curve", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": words.chart(name, date(first, words), date(last, words), lowText, highText) },
    ...[high, low].map((value) => svg("path", { class: "grid", d: `M${EDGE.left} ${y(value).toFixed(1)}H${WIDTH - EDGE.right}` })),
    svg("text", { class: "tick", x: EDGE.left - 6, y: y(high) + 4, "text-anchor": "end" }, highText),
    high !== low && svg("text", { class: "tick", x: EDGE.left - 6, y: y(low) + 4, "text-anchor": "end" }, lowText),
    svg("text", { class: "tick", x: EDGE.left, y: HEIGHT - 6 }, date(first, words)),
    svg("text", { class: "tick", x: WIDTH - EDGE.right, y: HEIGHT - 6, "text-anchor": "end" }, date(last, words)),
    drawdown && svg("rect", { class: "fall", x: on(drawdown.from), y: EDGE.top, width: on(drawdown.to) - on(drawdown.from), height: HEIGHT - EDGE.top - EDGE.bottom }),
    svg("polygon", { class: "area", points: `${EDGE.left},${HEIGHT - EDGE.bottom} ${line} ${WIDTH - EDGE.right},${HEIGHT - EDGE.bottom}` }),
    svg("polyline", { class: "line", points: line }),
    ...[...new Set([...marks, values.length - 1])].map((index) => svg("circle", { class: "dot", cx: x(index), cy: y(values[index]), r: 3 })),
  );

  const pointed = html("p", { class: "pointed", "aria-hidden": "true" }, `${date(last, words)}　${points[points.length - 1][1]}`);
  const cross = svg("path", { class: "cross", d: "" });
  drawn.append(cross);
  drawn.addEventListener("pointermove", (event) => {
    const box = drawn.getBoundingClientRect();
    const along = ((event.clientX - box.left) / box.width) * WIDTH;
    const share = (along - EDGE.left) / (WIDTH - EDGE.left - EDGE.right);
    const index = Math.round(Math.min(1, Math.max(0, share)) * (points.length - 1));
    cross.setAttribute("d", `M${x(index).toFixed(1)} ${EDGE.top}V${HEIGHT - EDGE.bottom}`);
    pointed.textContent = `${date(points[index][0], words)}　${points[index][1]}`;
  });
  return [html("p", { class: "axis" }, html("span", {}, name), pointed), drawn];
}

/**
 * Payments, one bar each.
 * @param {{amount: string}[]} payments @param {string} label what a screen reader says instead
 */
export function bars(payments, label) {
  const amounts = payments.map(({ amount }) => Number(amount));
  const top = Math.max(...amounts) || 1;
  const step = WIDTH / amounts.length;
  return svg(
    "svg",
    { class: "bars", viewBox: `0 0 ${WIDTH} 56`, role: "img", "aria-label": label },
    ...amounts.map((amount, index) => {
      const height = Math.max(2, (amount / top) * 50);
      return svg("rect", { x: index * step + step * 0.15, y: 54 - height, width: step * 0.7, height, rx: 2 });
    }),
  );
}
