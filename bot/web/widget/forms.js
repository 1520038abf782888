/** What the customer fills in: yes or no to a quote, the one-time code, the rating. */

import { list } from "./cards.js";
import { button, html } from "./dom.js";

/** @import {Hands, Item, QuickReply, Words} from "./types" */

/**
 * @param {{items: Item[], expires_at?: string, buttons: QuickReply[]}} data
 * @param {Hands} hands
 */
export function confirmation({ items, expires_at, buttons }, { words, ask }) {
  const [yes, ...others] = buttons.map(({ title, payload }) => button({}, title, () => ask(payload)));
  yes.className = "main";
  const left = expires_at ? remaining(expires_at, words) : null;
  return [list(items), left, html("div", { class: "acts" }, yes, ...others)];
}

/**
 * How long a quote holds, told each second to the eye and never to the ear.
 * @param {string} until @param {Words} words
 */
function remaining(until, words) {
  const line = html("p", { class: "left", "aria-hidden": "true" });
  const tell = () => {
    const seconds = Math.ceil((new Date(until).getTime() - Date.now()) / 1000);
    const text = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    line.textContent = seconds > 0 ? words.expiresIn(text) : words.expired;
    // Gone from the page, or over: nobody looks any more.
    if (seconds <= 0 || (ticked && !line.isConnected)) clearInterval(timer);
    ticked = true;
  };
  let ticked = false;
  const timer = setInterval(tell, 1000);
  tell();
  return line;
}

/** @param {{length: number, phone_tail?: string, tries_left?: string}} data @param {Hands} hands */
export function codeForm({ length, phone_tail = "", tries_left }, { words, ask }) {
  const id = `code-${crypto.randomUUID()}`;
  const field = html("input", {
    id, type: "text", inputmode: "numeric", autocomplete: "one-time-code", maxlength: length, pattern: `[0-9]{${length}}`, required: true, size: length + 2,
    "aria-describedby": `${id}-hint`,
  });
  const form = html(
    "form",
    { class: "code" },
    html("label", { for: id }, words.code),
    html("div", { class: "acts" }, field, html("button", { type: "submit", class: "main" }, words.codeSend)),
    html("p", { id: `${id}-hint`, class: "hint" }, words.codeHint(length, phone_tail), tries_left && ` ${words.triesLeft(tries_left)}`),
  );
  form.noValidate = true;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    // Full-width digits are what a Chinese keyboard types.
    const digits = field.value.normalize("NFKC").replace(/\D/g, "");
    if (digits.length !== length) {
      field.setAttribute("aria-invalid", "true");
      field.focus();
    } else ask(digits, true);
  });
  return [form];
}

/**
 * How satisfied the customer is: five steps by keyboard or tap, and a word if they like.
 * @param {Words} words @param {() => void} leave when it is over, either way
 * @param {(score: number, comment: string) => Promise<boolean>} send
 */
export function ratingForm(words, leave, send) {
  const name = `stars-${crypto.randomUUID()}`;
  const told = html("output", { class: "told" });
  const stars = words.stars.map((label, at) => {
    const input = html("input", { type: "radio", name, value: at + 1, id: `${name}-${at}`, required: true });
    return [input, html("label", { for: input.id, title: label }, html("span", { class: "unseen" }, label), html("span", { "aria-hidden": "true" }, "★"))];
  });
  const comment = html("textarea", { rows: 2, maxlength: 500, "aria-label": words.comment, placeholder: words.comment });
  const form = html(
    "form",
    { class: "rating" },
    html("fieldset", {}, html("legend", {}, words.rating), html("div", { class: "stars" }, ...stars.flat()), told),
    comment,
    html("div", { class: "acts" }, html("button", { type: "submit", class: "main" }, words.submit), button({}, words.later, leave)),
  );
  const chosen = () => Number(new FormData(form).get(name) ?? 0);
  form.addEventListener("change", () => {
    const score = chosen();
    told.textContent = score ? words.stars[score - 1] : "";
    stars.forEach(([, label], at) => label.classList.toggle("lit", at < score));
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await send(chosen(), comment.value.trim())) leave();
    else told.textContent = words.failed;
  });
  return form;
}
