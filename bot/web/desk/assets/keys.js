/** Shortcuts: plain letters where nothing is written, with Alt or Ctrl everywhere. */

import { edit, insert, use } from "./composer.js";

export function bindKeys() {
  document.querySelector("#show-keys")?.addEventListener("click", help);
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    const act = (event.altKey || event.ctrlKey || event.metaKey ? held : isWriting(event.target) ? written : plain)(event);
    if (!act) return;
    event.preventDefault();
    act();
  });
}

/** @param {KeyboardEvent} event @returns {(() => void) | undefined} */
function held(event) {
  if ((event.ctrlKey || event.metaKey) && event.code === "KeyK") return () => focus("#ask");
  if (!event.altKey) return undefined;
  const digit = /^Digit([1-9])$/.exec(event.code)?.[1];
  if (digit) return () => nth(Number(digit));
  return { KeyS: use, KeyE: edit, KeyX: () => click("#reject") }[event.code];
}

/** @param {KeyboardEvent} event @returns {(() => void) | undefined} */
function plain(event) {
  return {
    n: () => click("#next"),
    j: () => move(1),
    k: () => move(-1),
    r: () => focus("#composer textarea"),
    "/": () => focus("#ask"),
    "?": help,
  }[event.key];
}

/** @param {KeyboardEvent} event @returns {(() => void) | undefined} */
function written(event) {
  return event.key === "Escape" ? () => /** @type {HTMLElement} */ (event.target).blur() : undefined;
}

/** The answer or canned reply of that number: those of a search go first. @param {number} number */
function nth(number) {
  const found = document.querySelectorAll("#knowledge [data-insert]");
  const offered = found.length ? found : document.querySelectorAll("[data-insert]");
  const text = /** @type {HTMLElement | undefined} */ (offered[number - 1])?.dataset.insert;
  if (text) insert(text);
}

/** @param {number} by */
function move(by) {
  const items = [...document.querySelectorAll("#mine .item")];
  if (!items.length) return;
  const at = items.findIndex((item) => item.getAttribute("aria-current") === "true");
  /** @type {HTMLElement} */ (items[(at + by + items.length) % items.length]).click();
}

function help() {
  /** @type {HTMLDialogElement | null} */ (document.querySelector("#keys"))?.showModal();
}

/** @param {string} selector */
function click(selector) {
  /** @type {HTMLElement | null} */ (document.querySelector(selector))?.click();
}

/** @param {string} selector */
function focus(selector) {
  /** @type {HTMLElement | null} */ (document.querySelector(selector))?.focus();
}

/** @param {EventTarget | null} target */
function isWriting(target) {
  return target instanceof HTMLElement && target.matches("input, textarea, select");
}
