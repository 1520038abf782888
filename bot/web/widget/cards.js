/** Cards: typed data from the server, drawn. What the kinds hold is told in the server's `responses/cards.py`. */

import { bars, curve } from "./charts.js";
import { gauge, html } from "./dom.js";
import { codeForm, confirmation } from "./forms.js";
import { date, moment, sourceName } from "./words.js";

/** @import {Card, Cards, Child, Hands, Item, Meter, Thing, Words} from "./types" */

const FIGURES = new Set(["money", "rate", "percent", "count", "digits"]);
const LONG = new Set(["text", "name"]);
/** Kinds whose rows are the lines of the text: where both are there, one is enough. */
const LISTS = new Set(["table", "product", "compare", "holdings"]);

/** @type {{[Kind in keyof Cards]: (data: Cards[Kind], hands: Hands) => Child[]}} */
const DRAWN = {
  kv: ({ items = [], meters = [] }) => [...meters.map(meter), list(items)],
  table({ items = [], columns, rows }) {
    const told = rows.map((row) => row.map((cell) => cell?.text));
    return [grid(columns.map(({ label, kind }) => [label, FIGURES.has(kind) ? "figure" : !LONG.has(kind) && "short"]), told), list(items)];
  },
  compare({ things }) {
    const labels = new Map(things.flatMap(({ items }) => items.map(({ name, label }) => [name, label])));
    const rows = [...labels].map(([name, label]) => [label, ...things.map(({ items }) => items.find((item) => item.name === name)?.text ?? "—")]);
    return [grid([[""], ...things.map(({ name }) => /** @type {[string]} */ ([name]))], rows, "compared")];
  },
  product: ({ items = [], things }) => [list(items), ...things.map(thing)],
  rate_chart: chart,
  nav_chart: chart,
  confirm: confirmation,
  code: codeForm,
  bill_breakdown({ items, whole, parts = [] }) {
    if (!whole) return [list(items)];
    const bar = html("div", { class: "bar stacked", "aria-hidden": "true" });
    const shown = parts.filter(({ value }) => Number(value) !== 0);
    for (const part of shown) {
      const piece = html("i", { class: part.name });
      piece.style.inlineSize = `${portion(part.value, whole.value)}%`;
      bar.append(piece);
    }
    const legend = parts.map(({ name, label, text }) => html("div", {}, html("dt", {}, html("i", { class: `key ${name}`, "aria-hidden": "true" }), label), html("dd", { class: "figure" }, text)));
    return [html("p", { class: "whole" }, html("span", {}, whole.label), html("b", { class: "figure" }, whole.text)), bar, html("dl", { class: "parts" }, ...legend), list(items)];
  },
  holdings({ items, things }) {
    const total = items.find(({ name }) => name === "total_value");
    const rows = things.map(({ name, items: own }) => {
      const value = own.find((item) => item.name === "value" || item.name === "amount");
      const bar = gauge(value && total ? portion(value.value, total.value) : 0);
      const state = own.find((item) => item.name === "holding_status");
      const rest = own.filter((item) => item !== value && item !== state);
      const first = html("p", { class: "name" }, html("span", {}, name, state && html("small", {}, state.text)), value && html("b", { class: "figure" }, value.text));
      return html("div", { class: "thing" }, first, bar, list(rest));
    });
    return [list(items), ...rows];
  },
  plan({ items = [], payments }, { words }) {
    const rows = payments.map(({ on, text }, at) => [String(at + 1), date(on, words), text]);
    return [
      list(items),
      bars(payments, words.payments(payments.length)),
      html("p", { class: "ends" }, html("span", {}, date(payments[0].on, words)), html("span", {}, words.payments(payments.length)), html("span", {}, date(payments[payments.length - 1].on, words))),
      folded(words, grid([["#"], [words.day], [words.amount, "figure"]], rows)),
    ];
  },
};

/** The card as a node; null where its kind or data are not known here. @param {Card} card @param {Hands} hands */
export function drawn(card, hands) {
  const draw = /** @type {(data: any, hands: Hands) => Child[]} */ (DRAWN[/** @type {keyof Cards} */ (card.kind)]);
  if (!draw) return null;
  try {
    const { title, sources = [], done } = card.data;
    const once = card.kind === "confirm" || card.kind === "code";
    return html(
      "section",
      { class: `card ${card.kind}${done ? " done" : ""}${once ? " once" : ""}`, "aria-label": title },
      title && html("p", { class: "title" }, title),
      ...draw(card.data, hands),
      sources.length > 0 &&
        html(
          "p",
          { class: "sources" },
          `${hands.words.source} `,
          sources.map((/** @type {any} */ each) => `${sourceName(each.source, hands.words)} ${moment(each.as_of, hands.words)}`).join("；"),
        ),
    );
  } catch (error) {
    console.warn(`teller-chat: a ${card.kind} card is not drawn`, error);
    return null;
  }
}

/** How many rows of the text a card shows instead. @param {Card} card */
export function rowsOf({ kind, data }) {
  return LISTS.has(kind) ? (data.rows ?? data.things ?? []).length : 0;
}

/** @param {Item[]} items */
export function list(items) {
  if (!items.length) return null;
  return html("dl", {}, ...items.map(({ label, text, kind }) => html("div", {}, html("dt", {}, label), html("dd", { class: FIGURES.has(kind) && "figure" }, text))));
}

/**
 * @param {[label: string, look?: string | false][]} columns @param {(string | undefined)[][]} rows @param {string} [look]
 */
function grid(columns, rows, look) {
  const head = columns.map(([label, look]) => html(label ? "th" : "td", { scope: label && "col", class: look }, label));
  const body = rows.map((row) => html("tr", {}, ...row.map((text, at) => html(at ? "td" : "th", { scope: at ? null : "row", class: columns[at][1] }, text))));
  const made = html("table", { class: look }, html("thead", {}, html("tr", {}, ...head)), html("tbody", {}, ...body));
  return html("div", { class: "scroll", tabindex: "0" }, made);
}

/** @param {Thing} each */
function thing({ name, items }) {
  return html("div", { class: "thing" }, html("p", { class: "name" }, name), list(items));
}

/** A part set against its whole. @param {Meter} both */
function meter({ part, whole }) {
  const told = [part, whole].map(({ label, text }) => html("span", {}, `${label} `, html("b", { class: "figure" }, text)));
  return html("div", { class: "meter" }, html("p", {}, ...told), gauge(portion(part.value, whole.value)));
}

/** @param {string} part @param {string} whole decimal text, or one of `values` that holds a number (P12I) */
function portion(part, whole) {
  const [some, all] = [part, whole].map((text) => Number(text.replace(/[^\d.-]/g, "")));
  return all > 0 ? Math.min(100, Math.max(0, (some / all) * 100)) : 0;
}

/** @param {Words} words @param {Node} content */
function folded(words, content) {
  return html("details", {}, html("summary", {}, words.table), content);
}

/** @param {Cards["nav_chart"]} data @param {Hands} hands */
function chart({ points, name = "", unit = 100, currency, items = [], drawdown, note }, { words }) {
  const axis = currency ? words.per(unit, name || currency) : `${name} ${words.nav}`.trim();
  const rows = points.map(([day, value]) => [date(day, words), value]).reverse();
  return [
    ...curve(points, axis, words, drawdown),
    drawdown && html("p", { class: "fallen" }, html("i", { class: "key", "aria-hidden": "true" }), `${words.drawdown} `, html("b", { class: "figure" }, `${drawdown.percent}%`), `　${date(drawdown.from, words)} ${words.to} ${date(drawdown.to, words)}`),
    list(items),
    folded(words, grid([[words.day], [words.value, "figure"]], rows)),
    note ? html("p", { class: "remark" }, note) : null,
  ];
}
