/** One message of the conversation as a node: bubble, label and time, where its figures are from, cards, quick replies. */

import { drawn, rowsOf } from "./cards.js";
import { button, html, icon } from "./dom.js";
import { clock, moment, sourceName } from "./words.js";

/** @import {Card, Evidence, Hands, QuickReply, TellerEvent, Words} from "./types" */

const UP = "M7 11v9H3v-9zm3 9h7.6a2 2 0 0 0 2-1.6l1.3-6A2 2 0 0 0 19 10h-5.3l.8-4.2A2 2 0 0 0 12.6 3.5L8.5 10.5V18.5A1.5 1.5 0 0 0 10 20z";

/** What a bot or a person of the bank said. @param {TellerEvent} event @param {Hands} hands @param {boolean} streamed */
export function theirs(event, hands, streamed) {
  const { words } = hands;
  const { text, evidence = [], cards = [], quick_replies = [], language } = event.data;
  const bot = event.actor !== "rep";
  const shown = cards.map((/** @type {Card} */ card) => drawn(card, hands)).filter(Boolean);
  const rows = shown.length ? cards.map(rowsOf) : [];
  const bubble = html("p", { class: "bubble" });
  // What was read as it was written stays; else the rows that a card shows need not be read twice.
  bubble.append(...withFigures(text, evidence, words, streamed ? [] : rows));
  const message = html("div", { class: `message ${bot ? "bot" : "rep"}`, lang: language });
  message.append(bubble, ...shown);
  const name = bot ? words.label : repName(event, words) || words.rep;
  const meta = html("div", { class: "meta" }, html("span", { class: "tag" }, name), time(event.at, words));
  message.append(meta);
  const told = where(text, evidence, words);
  if (told) {
    const [open, panel] = told;
    meta.append(open);
    message.append(panel);
  }
  if (bot) meta.append(thumbs(event.seq, hands));
  const offered = new Set(cards.flatMap((/** @type {Card} */ card) => (card.data?.buttons ?? []).map((/** @type {QuickReply} */ each) => each.payload)));
  const left = quick_replies.filter((/** @type {QuickReply} */ each) => !offered.has(each.payload));
  if (left.length) message.append(chips(left, hands.ask));
  return message;
}

/** What the customer said, not *at* any time before the server has it. @param {string} text @param {Words} words @param {string} [at] */
export function mine(text, words, at) {
  const meta = html("div", { class: "meta" }, at ? time(at, words) : words.sending);
  return html("div", { class: "message customer" }, html("p", { class: "bubble" }, text), meta);
}

/** @param {QuickReply[]} replies @param {(text: string) => void} ask */
export function chips(replies, ask) {
  return html("div", { class: "chips" }, ...replies.map(({ title, payload }) => button({}, title, () => ask(payload))));
}

/** @param {string} at @param {Words} words */
export function time(at, words) {
  return html("time", { datetime: at }, clock(at, words));
}

/** @param {TellerEvent} event @param {Words} words */
export function repName({ data }, words) {
  return String((words.locale.startsWith("en") && data.name_en) || data.name || "");
}

/**
 * The text with its figures marked. Spans count code points, as the server does.
 * @param {string} text @param {Evidence[]} evidence @param {Words} words
 * @param {number[]} rows how many listed lines each card shows instead
 */
export function withFigures(text, evidence, words, rows = []) {
  const points = Array.from(text);
  const hidden = listed(points, rows);
  const parts = [];
  let last = 0;
  /** @param {number} to */
  const plain = (to) => {
    let kept = "";
    for (let at = last; at < to; at++) if (!hidden.has(at)) kept += points[at];
    parts.push(kept);
  };
  for (const { start, end, source, as_of } of [...evidence].sort((a, b) => a.start - b.start)) {
    if (start < last || end > points.length) continue;
    plain(start);
    last = end;
    if (hidden.has(start)) continue;
    parts.push(html("span", { class: "figure", title: `${words.source} ${sourceName(source, words)} · ${moment(as_of, words)}` }, points.slice(start, end).join("")));
  }
  plain(points.length);
  return parts;
}

/** The code points of the lines that begin with a bullet, where as many of them are shown as rows. @param {string[]} points @param {number[]} rows */
function listed(points, rows) {
  /** @type {Set<number>} */
  const hidden = new Set();
  let count = 0;
  for (let at = 0; at < points.length; ) {
    let end = points.indexOf("\n", at);
    end = end < 0 ? points.length : end + 1;
    if (points[at] === "·" && points[at + 1] === " ") {
      count += 1;
      for (let each = at; each < end; each++) hidden.add(each);
    }
    at = end;
  }
  return rows.includes(count) ? hidden : new Set();
}

/** @param {string} text @param {Evidence[]} evidence @param {Words} words @returns {[HTMLButtonElement, HTMLElement] | null} */
function where(text, evidence, words) {
  const points = Array.from(text);
  /** @type {Map<string, string[]>} */
  const origins = new Map();
  for (const { start, end, source, as_of } of evidence) {
    if (source === "customer") continue;
    const origin = `${sourceName(source, words)} · ${moment(as_of, words)}`;
    const figure = points.slice(start, end).join("");
    const known = origins.get(origin);
    if (!known) origins.set(origin, [figure]);
    else if (!known.includes(figure)) known.push(figure);
  }
  if (!origins.size) return null;
  const panel = html("dl", { class: "origins", hidden: true });
  for (const [origin, figures] of origins) panel.append(html("div", {}, html("dt", {}, origin), html("dd", {}, figures.join(words.comma))));
  const open = button({ class: "where", "aria-expanded": "false" }, words.evidence, () => {
    panel.hidden = !panel.hidden;
    open.setAttribute("aria-expanded", String(!panel.hidden));
    panel.scrollIntoView({ block: "nearest" });
  });
  return [open, panel];
}

/** @param {number} seq @param {Hands} hands */
function thumbs(seq, { words, rate }) {
  const pair = [5, 1].map((score) => {
    const label = score === 5 ? words.helpful : words.unhelpful;
    return button({ "aria-label": label, title: label, "aria-pressed": "false", class: score === 1 && "down" }, icon(UP), async (event) => {
      const pressed = /** @type {HTMLButtonElement} */ (event.currentTarget);
      if (!(await rate(seq, score))) return;
      for (const each of pair) each.setAttribute("aria-pressed", String(each === pressed));
    });
  });
  return html("span", { class: "thumbs" }, ...pair);
}
