/**
 * `<teller-chat>`: the bank's chat in one custom element.
 *
 * Attributes: `lang` (zh or en), `server` (another origin than the page's). Methods: `ask(text)`, `identify(token)`,
 * `signOut()`. Events: `teller-reply` (detail: the reply as the API gives it).
 * Text reaches the page as text nodes only.
 */

import { Conversation } from "./conversation.js";
import { sheet } from "./style.js";
import { WORDS } from "./words.js";

/** @typedef {import("./conversation.js").TellerEvent} TellerEvent */

const TYPING_LIMIT = 20_000;

class TellerChat extends HTMLElement {
  static observedAttributes = ["lang"];

  constructor() {
    super();
    this.root = this.attachShadow({ mode: "open" });
    this.root.adoptedStyleSheets = [sheet];
    /** @type {Map<string, HTMLElement>} our own messages by id, from the first key press to the server's event */
    this.mine = new Map();
    this.typingTimer = 0;
    this.human = false;
  }

  connectedCallback() {
    if (!this.conversation) {
      this.conversation = new Conversation(this.getAttribute("server") ?? "", "teller-chat");
      this.#follow(this.conversation);
    }
    this.#draw();
    this.conversation.resume();
  }

  disconnectedCallback() {
    this.conversation?.close();
  }

  attributeChangedCallback() {
    if (this.conversation) this.#label();
  }

  /** Sends *text* as the customer's message. @param {string} text */
  ask(text) {
    const words = text.trim();
    if (!words || !this.conversation) return;
    this.#clearChips();
    this.#showMine(this.conversation.send(words), words);
    this.#showTyping(true);
    this.#toEnd();
  }

  /** Begins a conversation as the customer whom *token* vouches for. @param {string} token */
  async identify(token) {
    await this.#restart(token);
  }

  /** Leaves the conversation; the next message begins one as nobody. */
  async signOut() {
    await this.#restart(null);
  }

  get words() {
    return WORDS[this.lang === "en" ? "en" : "zh"];
  }

  /** @param {string | null} token */
  async #restart(token) {
    this.#draw();
    await this.conversation?.restart(token);
  }

  /** @param {Conversation} conversation */
  #follow(conversation) {
    /** @param {string} type @param {(detail: any) => void} react */
    const on = (type, react) =>
      conversation.addEventListener(type, (event) => react(/** @type {CustomEvent} */ (event).detail));
    on("event", (event) => this.#take(event));
    on("offline", () => this.#say(this.words.offline));
    on("waiting", () => this.#say(this.words.offline));
    on("online", () => this.#say(""));
    on("ended", () => this.#say(this.words.ended));
    on("refused", (message) => this.#markFailed(message));
  }

  #draw() {
    this.mine.clear();
    this.human = false;
    const mark = svg("svg", { class: "mark", viewBox: "0 0 24 24", "aria-hidden": "true" }, [
      svg("path", { d: "M12 1.5 7 8.6h2.6L5.4 14h3.1L3.5 20h7.4v2.5h2.2V20h7.4l-5-6h3.1l-4.2-5.4H17z" }, []),
    ]);
    this.title_ = element("strong");
    this.role_ = element("span");
    this.humanButton = element("button", { class: "human", type: "button" });
    this.humanButton.addEventListener("click", () => this.ask(this.words.humanAsk));
    this.log = element("div", { class: "log", role: "log", "aria-live": "polite", tabindex: "0" });
    this.status = element("p", { class: "line", role: "status", hidden: "" });
    this.input = element("textarea", { rows: "1", maxlength: "2000", enterkeyhint: "send", autocomplete: "off" });
    this.sendButton = element("button", { class: "send", type: "submit" });
    this.notice = element("p", { class: "notice" });
    const form = element("form", {}, [this.input, this.sendButton]);
    form.addEventListener("submit", (event) => this.#submit(event));
    this.input.addEventListener("keydown", (event) => this.#onKey(event));
    const who = element("div", { class: "who" }, [this.title_, this.role_]);
    this.welcome = this.#welcome();
    this.log.append(this.welcome);
    this.root.replaceChildren(
      element("header", {}, [mark, who, this.humanButton]),
      this.log, this.status, form, this.notice,
    );
    this.typing = element("div", { class: "message bot", hidden: "" }, [
      element("div", { class: "bubble typing", "aria-hidden": "true" }, [element("i"), element("i"), element("i")]),
      element("span", { class: "unseen" }),
    ]);
    this.log.append(this.typing);
    this.#label();
  }

  #label() {
    const words = this.words;
    if (this.conversation) this.conversation.language = this.lang === "en" ? "en" : "zh";
    this.title_.textContent = words.title;
    this.role_.textContent = words.label;
    this.humanButton.textContent = words.human;
    this.humanButton.setAttribute("aria-label", words.humanAsk);
    this.log.setAttribute("aria-label", words.log);
    this.input.setAttribute("aria-label", words.input);
    this.input.placeholder = words.placeholder;
    this.sendButton.textContent = words.send;
    this.notice.textContent = words.notice;
    this.typing.lastElementChild.textContent = words.typing;
    const welcome = this.#welcome();
    this.welcome.replaceWith(welcome);
    this.welcome = welcome;
  }

  #welcome() {
    const words = this.words;
    const bubble = element("p", { class: "bubble" });
    bubble.textContent = words.welcome;
    const chips = this.#chips(words.suggestions.map((text) => ({ title: text, payload: text })));
    return element("div", { class: "message bot welcome" }, [bubble, chips]);
  }

  /** @param {TellerEvent} event */
  #take(event) {
    if (event.type !== "message.completed") return;
    const atEnd = this.#isAtEnd();
    if (event.actor === "customer") this.#takeMine(event);
    else this.#takeTheirs(event);
    if (atEnd) this.#toEnd();
  }

  /** @param {TellerEvent} event */
  #takeMine(event) {
    const known = this.mine.get(event.data.message_id);
    if (known) {
      known.querySelector(".bubble").textContent = event.data.text;
      known.querySelector(".meta")?.replaceChildren(time(event.at));
    } else {
      this.#clearChips();
      this.#showMine(event.data.message_id, event.data.text, event.at);
    }
  }

  /** @param {TellerEvent} event */
  #takeTheirs(event) {
    this.#showTyping(false);
    this.#clearChips();
    const words = this.words;
    const bot = event.actor === "bot";
    const tag = element("span", { class: "tag" });
    tag.textContent = bot ? words.label : words.rep;
    const bubble = element("p", { class: "bubble" });
    bubble.append(...withFigures(event.data.text, event.data.evidence ?? [], words));
    const message = element("div", { class: `message ${bot ? "bot" : "rep"}` }, [
      bubble,
      element("div", { class: "meta" }, [tag, time(event.at)]),
    ]);
    if (event.data.language) message.lang = event.data.language;
    const replies = event.data.quick_replies ?? [];
    if (replies.length) message.append(this.#chips(replies));
    this.log.insertBefore(message, this.typing);
    const reply = { seq: event.seq, ...event.data };
    this.dispatchEvent(new CustomEvent("teller-reply", { detail: reply, bubbles: true, composed: true }));
  }

  /** @param {string} id @param {string} text @param {string} [at] when the server took it */
  #showMine(id, text, at) {
    this.welcome.querySelector(".chips")?.remove();
    const bubble = element("p", { class: "bubble" });
    bubble.textContent = text;
    const meta = element("div", { class: "meta" });
    if (at) meta.append(time(at));
    else meta.textContent = this.words.sending;
    const message = element("div", { class: "message customer" }, [bubble, meta]);
    this.mine.set(id, message);
    this.log.insertBefore(message, this.typing);
  }

  /** @param {{messageId: string, text: string}} refused */
  #markFailed({ messageId, text }) {
    this.#showTyping(false);
    const message = this.mine.get(messageId);
    const again = element("button", { type: "button" });
    again.textContent = this.words.failed;
    again.addEventListener("click", () => {
      message?.remove();
      this.mine.delete(messageId);
      this.ask(text);
    });
    message?.querySelector(".meta")?.replaceChildren(again);
  }

  /** @param {{title: string, payload: string}[]} replies */
  #chips(replies) {
    const buttons = replies.map(({ title, payload }) => {
      const button = element("button", { type: "button" });
      button.textContent = title;
      button.addEventListener("click", () => {
        this.ask(payload);
        this.input.focus();
      });
      return button;
    });
    return element("div", { class: "chips" }, buttons);
  }

  #clearChips() {
    for (const chips of this.log.querySelectorAll(".chips")) chips.remove();
  }

  /** @param {boolean} on */
  #showTyping(on) {
    clearTimeout(this.typingTimer);
    this.typing.hidden = !on;
    if (on) this.typingTimer = setTimeout(() => this.#showTyping(false), TYPING_LIMIT);
  }

  /** @param {string} text a state of the line, "" for none */
  #say(text) {
    this.status.textContent = text;
    this.status.hidden = !text;
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const text = this.input.value;
    this.input.value = "";
    this.ask(text);
    this.input.focus();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    // 229: Safari ends the composition before the Enter that chose the word.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    this.#submit(event);
  }

  #isAtEnd() {
    return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 80;
  }

  #toEnd() {
    this.log.scrollTop = this.log.scrollHeight;
  }
}

/**
 * The reply's text with every figure marked and its source on hover. Spans count code points, as the server does.
 * @param {string} text
 * @param {{start: number, end: number, source: string, as_of: string}[]} evidence
 * @param {typeof WORDS.zh} words
 */
function withFigures(text, evidence, words) {
  const points = Array.from(text);
  const parts = [];
  let last = 0;
  for (const { start, end, source, as_of } of [...evidence].sort((a, b) => a.start - b.start)) {
    if (start < last || end > points.length) continue;
    parts.push(points.slice(last, start).join(""));
    const figure = element("span", { class: "figure" });
    figure.textContent = points.slice(start, end).join("");
    figure.title = `${words.source} ${words.sources[source] ?? source} · ${new Date(as_of).toLocaleString()}`;
    parts.push(figure);
    last = end;
  }
  parts.push(points.slice(last).join(""));
  return parts;
}

/** @param {string} at */
function time(at) {
  const node = element("time", { datetime: at });
  node.textContent = new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
  return node;
}

/** @param {string} name @param {Record<string, string>} [attributes] @param {Node[]} [children] @returns {any} */
function element(name, attributes = {}, children = []) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

/** @param {string} name @param {Record<string, string>} attributes @param {Node[]} children */
function svg(name, attributes, children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

customElements.define("teller-chat", TellerChat);
