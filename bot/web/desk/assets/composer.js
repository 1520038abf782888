/** Writing to the customer: what is warned of is shown while one writes, and the customer sees that somebody does. */

const CHECK_AFTER = 500;
const TYPING_EVERY = 8_000;
let checkTimer = 0;
let typedAt = 0;

/** Once for the page: the composer itself is written anew after every message. */
export function bindComposer() {
  document.addEventListener("input", (event) => {
    const field = /** @type {HTMLElement} */ (event.target);
    const form = field.closest("#composer");
    if (!(form instanceof HTMLFormElement) || !field.matches("textarea")) return;
    grow(/** @type {HTMLTextAreaElement} */ (field));
    clearTimeout(checkTimer);
    checkTimer = setTimeout(() => check(form), CHECK_AFTER);
    if (Date.now() - typedAt > TYPING_EVERY) {
      typedAt = Date.now();
      htmx.ajax("POST", form.dataset.typing, { swap: "none" });
    }
  });
  document.addEventListener("keydown", (event) => {
    const field = /** @type {HTMLElement} */ (event.target);
    if (!field.matches("#composer textarea") || event.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      clearTimeout(checkTimer);
      document.querySelector("#send")?.click();
    }
  });
  document.addEventListener("click", (event) => {
    const button = /** @type {HTMLElement} */ (event.target).closest("button");
    if (button?.dataset.insert) insert(button.dataset.insert);
    else if (button?.id === "edit") edit();
    else if (button?.id === "use") use();
  });
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (!event.detail.requestConfig?.path?.endsWith("/messages")) return;
    if (event.detail.xhr.status < 300) typedAt = 0;
    field()?.focus();
  });
  // A check that is on its way would warn of what was sent already.
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.requestConfig?.path?.endsWith("/messages")) clearTimeout(checkTimer);
  });
}

/** Puts *text* where the cursor is. @param {string} text */
export function insert(text) {
  const area = field();
  if (!area) return;
  area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
  area.focus();
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

/** The suggestion into the composer, to be changed. */
export function edit() {
  const suggested = open();
  const area = field();
  if (!suggested || !area) return;
  area.value = suggested.textContent ?? "";
  mark(suggested);
  area.focus();
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

/** The suggestion as it is. */
export function use() {
  const suggested = open();
  const area = field();
  if (!suggested || !area) return;
  area.value = suggested.textContent ?? "";
  mark(suggested);
  document.querySelector("#send")?.click();
}

function open() {
  const suggested = /** @type {HTMLElement | null} */ (document.querySelector("#suggested"));
  return suggested?.dataset.open ? suggested : null;
}

/** @param {HTMLElement} suggested */
function mark(suggested) {
  const grewFrom = /** @type {HTMLInputElement | null} */ (document.querySelector("#composer [name=suggestion]"));
  if (!grewFrom) return;
  grewFrom.disabled = false;
  grewFrom.value = suggested.dataset.id ?? "";
}

function field() {
  return /** @type {HTMLTextAreaElement | null} */ (document.querySelector("#composer textarea"));
}

/** @param {HTMLFormElement} form */
function check(form) {
  const text = field()?.value ?? "";
  htmx.ajax("POST", form.dataset.check, { target: "#warnings", swap: "innerHTML", values: { text } });
}

/** @param {HTMLTextAreaElement} area */
function grow(area) {
  area.rows = Math.min(10, Math.max(3, area.value.split("\n").length + 1, Math.ceil(area.value.length / 42)));
}
