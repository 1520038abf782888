/** The one stream of this page: it says what has changed, and the parts that show it are asked for anew. */

import { toast } from "./toast.js";

const AGAIN = 3_000;
const TYPES_FOR = 6_000;
/** @type {EventSource | null} */
let stream = null;
let watched = "";
let asking = false;
let askAgain = false;
let waiting = -1;
let typingTimer = 0;

/** Follows the floor, and the conversation that is shown. */
export function follow() {
  open();
  document.body.addEventListener("htmx:afterSettle", () => {
    const { conversation } = shown();
    if (conversation !== watched) open();
    toEnd(false);
    countWaiting();
  });
  // Browsers ask whether a page may notify only when somebody touched it.
  if (window.Notification?.permission === "default")
    document.addEventListener("click", () => Notification.requestPermission(), { once: true });
  window.addEventListener("pagehide", () => stream?.close());
  // A line that is gone may look open for minutes, and one that is back would be tried only after a while.
  window.addEventListener("offline", () => {
    stream?.close();
    say("offline");
  });
  window.addEventListener("online", () => open());
  toEnd(true);
}

function open() {
  stream?.close();
  watched = shown().conversation;
  stream = new EventSource(`/desk/stream?watch=${watched}`);
  stream.addEventListener("open", () => say(""));
  stream.addEventListener("queue", () => htmx.trigger(document.body, "desk:queue"));
  stream.addEventListener("mine", () => {
    htmx.trigger(document.body, "desk:mine");
    htmx.trigger(document.body, "desk:hands");
  });
  stream.addEventListener("canned", () => htmx.trigger(document.body, "desk:canned"));
  stream.addEventListener("grown", (event) => {
    const [conversation] = event.data.split(" ");
    if (conversation === shown().conversation) {
      more();
      if (!shown().held) htmx.trigger(document.body, "desk:hands");
    }
    htmx.trigger(document.body, "desk:mine");
  });
  stream.addEventListener("typing", (event) => {
    const line = document.querySelector("#types");
    if (!line || event.data !== shown().conversation) return;
    line.hidden = false;
    clearTimeout(typingTimer);
    typingTimer = setTimeout(() => (line.hidden = true), TYPES_FOR);
  });
  stream.addEventListener("over", () => location.reload());
  stream.addEventListener("error", () => {
    say("offline");
    // The browser tries again by itself, but not after an answer that was no stream.
    if (stream?.readyState === EventSource.CLOSED) setTimeout(check, AGAIN);
  });
}

async function check() {
  const answer = await fetch("/desk/mine", { headers: { "HX-Request": "true" } }).catch(() => null);
  if (answer?.status === 401) say("over");
  else open();
}

/** The lines that the shown conversation has grown by, one request at a time. */
async function more() {
  if (asking) {
    askAgain = true;
    return;
  }
  asking = true;
  try {
    do {
      askAgain = false;
      const { conversation, held } = shown();
      const lines = document.querySelector("#lines");
      if (!conversation || !lines) return;
      const before = new Set([...lines.children].map((line) => line.id));
      const last = Math.max(0, ...[...lines.children].map((line) => Number(line.dataset.seq ?? 0)));
      const markup = await (await fetch(`/desk/conversations/${conversation}/lines?after=${last}`)).text();
      if (shown().conversation !== conversation) return;
      const template = document.createElement("template");
      template.innerHTML = markup;
      const fresh = [...template.content.children].filter((line) => !before.has(line.id));
      const atEnd = isAtEnd(lines);
      lines.append(...fresh);
      for (const line of fresh) htmx.process(line);
      if (atEnd) lines.scrollTop = lines.scrollHeight;
      if (fresh.some((line) => line.dataset.who === "customer")) {
        document.querySelector("#types")?.setAttribute("hidden", "");
        if (held) htmx.trigger(document.body, "desk:heard");
        if (document.hidden) notify("newMessage");
      }
    } while (askAgain);
  } finally {
    asking = false;
  }
}

function shown() {
  const work = document.querySelector("#work");
  return { conversation: work?.dataset.conversation ?? "", held: Boolean(work?.dataset.held) };
}

/** @param {"" | "offline" | "over"} state */
function say(state) {
  const line = document.querySelector("#line");
  if (!line) return;
  line.textContent = state ? line.dataset[state] : "";
  line.hidden = !state;
}

/** Tells of a customer who came into the queue while one looked elsewhere. */
function countWaiting() {
  const list = /** @type {HTMLElement | null} */ (document.querySelector("[data-waiting]"));
  if (!list) return;
  const now = Number(list.dataset.waiting);
  if (waiting >= 0 && now > waiting) notify("newCustomer");
  waiting = now;
  document.title = document.title.replace(/^\(\d+\) /, "");
  if (now) document.title = `(${now}) ${document.title}`;
}

/** @param {"newMessage" | "newCustomer"} what */
function notify(what) {
  const words = document.querySelector("#desk")?.dataset[what] ?? "";
  if (document.hidden && window.Notification?.permission === "granted") new Notification(words);
  else if (what === "newCustomer") toast(words);
}

/** @param {Element} lines */
function isAtEnd(lines) {
  return lines.scrollHeight - lines.scrollTop - lines.clientHeight < 120;
}

/** @param {boolean} always */
function toEnd(always) {
  const lines = document.querySelector("#lines");
  if (!lines || (lines.dataset.settled && !always)) return;
  lines.dataset.settled = "true";
  lines.scrollTop = lines.scrollHeight;
}
