/** What the pages of the desk do in the browser: errors told, news followed, timers, shortcuts, the composer. */

import { follow } from "./news.js";
import { bindKeys } from "./keys.js";
import { bindComposer } from "./composer.js";
import { toast } from "./toast.js";

const english = document.documentElement.lang === "en";
const near = 0.75;

document.body.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  let words = `${xhr.status}`;
  try {
    words = JSON.parse(xhr.responseText).detail ?? words;
  } catch {
    // Not one of our own errors: its number must do.
  }
  toast(words, "problem");
  // Whoever was too late looks at a floor that is not so any more.
  if (xhr.status === 409) for (const name of ["desk:queue", "desk:mine", "desk:hands"]) htmx.trigger(document.body, name);
});
document.body.addEventListener("htmx:sendError", () => toast(english ? "No connection" : "网络不通", "problem"));

document.body.addEventListener("htmx:afterSwap", () => settle());
document.body.addEventListener("htmx:afterRequest", (event) => {
  const opens = event.detail.elt?.dataset?.opens;
  if (opens && event.detail.successful) history.pushState({}, "", `/desk/conversations/${opens}`);
});

/** What holds after any part of the page was written anew. */
function settle() {
  const work = document.querySelector("#work");
  for (const item of document.querySelectorAll("[data-conversation].item"))
    item.setAttribute("aria-current", String(item.dataset.conversation === work?.dataset.conversation));
  tick();
}

/** Timers: time since, and how near it is to what was promised. */
function tick() {
  for (const timer of document.querySelectorAll(".timer")) {
    const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(timer.dataset.since)) / 1000));
    const limit = Number(timer.dataset.limit);
    timer.textContent = spoken(seconds);
    timer.classList.toggle("near", limit > 0 && seconds >= limit * near && seconds < limit);
    timer.classList.toggle("late", limit > 0 && seconds >= limit);
  }
}

/** @param {number} seconds */
function spoken(seconds) {
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

// What was begun is seen among the lines: the menu has done its work.
document.body.addEventListener("desk:begun", () => document.querySelector("#writes")?.removeAttribute("open"));

// A menu closes when one clicks beside it.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]"))
    if (!menu.contains(/** @type {Node} */ (event.target))) menu.removeAttribute("open");
});

setInterval(tick, 1000);
settle();
if (document.querySelector("#desk")) {
  follow();
  bindKeys();
  bindComposer();
}
