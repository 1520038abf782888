/** `<teller-chat>`: the bank's chat in one custom element. docs/widget.md tells its attributes, methods and events. */

import { Conversation } from "./conversation.js";
import { button, html, storage } from "./dom.js";
import { ratingForm } from "./forms.js";
import { Frame } from "./frame.js";
import { Handover } from "./handover.js";
import { chips, mine, theirs, time, withFigures } from "./message.js";
import { sheet } from "./style.js";
import { save, transcript } from "./transcript.js";
import { WORDS } from "./words.js";

/** @import {Entry, Evidence, Hands, Identity, Page, Said, TellerEvent} from "./types" */

const TYPING_LIMIT = 20_000;
const REP_TYPING = 8_000;
const FRESH = 60_000;
const LOOK = "teller-chat:look";

class TellerChat extends HTMLElement {
  static observedAttributes = ["lang", "brand", "brand-en"];

  constructor() {
    super();
    this.root = this.attachShadow({ mode: "open" });
    this.root.adoptedStyleSheets = [sheet];
    /** @type {Conversation | null} */
    this.conversation = null;
    /** @type {Page | null} */
    this.page = null;
    /** @type {Map<string, HTMLElement>} our own messages by id */
    this.mine = new Map();
    /** @type {Said[]} */
    this.said = [];
    /** @type {{node: HTMLElement, text: string, evidence: Evidence[]} | null} a reply that is still being said */
    this.draft = null;
    this.typingTimer = 0;
    this.unread = 0;
    this.placed = 0;
    this.served = false;
    /** @type {HTMLElement | null} what had the focus before it was opened */
    this.opener = null;
    this.welcome = html("div");
    this.handover = new Handover(
      async () => this.conversation?.place() ?? null,
      (text) => this.ask(text),
      () => this.words,
    );
    /** @type {Frame} */
    this.frame = new Frame(this.handover.node, {
      submit: () => this.#submit(),
      human: () => this.ask(this.words.humanAsk),
      close: () => this.close(),
      launch: () => (this.frame.panel.hidden ? this.open() : this.close()),
      entries: () => this.#entries(),
    });
    this.frame.input.addEventListener("input", () => {
      if (this.handover.owner === "joined") this.conversation?.types();
    });
    this.root.append(this.frame.panel, this.frame.launcher);
    this.#label();
  }

  connectedCallback() {
    this.#recallLook();
    this.conversation = new Conversation(this.getAttribute("server") ?? new URL(import.meta.url).origin, "teller-chat");
    if (this.page) this.conversation.context(this.page);
    this.#follow(this.conversation);
    this.frame.panel.hidden = this.hasAttribute("launcher");
    this.#clear();
    this.conversation.resume();
  }

  disconnectedCallback() {
    this.conversation?.close();
    this.conversation = null;
    this.handover.reset();
  }

  attributeChangedCallback() {
    this.#label();
  }

  open() {
    if (this.frame.panel.hidden) {
      this.opener = /** @type {HTMLElement | null} */ (document.activeElement);
      this.frame.panel.hidden = false;
      this.#unread(0);
      this.#toEnd();
      this.#tell("teller-open", null);
    }
    this.frame.launcher.setAttribute("aria-expanded", "true");
    this.frame.input.focus();
  }

  close() {
    if (!this.hasAttribute("launcher") || this.frame.panel.hidden) return;
    this.frame.panel.hidden = true;
    this.frame.launcher.setAttribute("aria-expanded", "false");
    (this.opener?.isConnected && this.opener !== document.body && this.opener !== this ? this.opener : this.frame.launcher).focus();
    this.#tell("teller-close", null);
  }

  /** Sends *text* as the customer's message; a *fleeting* one is a secret. @param {string} text @param {boolean} [fleeting] */
  ask(text, fleeting = false) {
    const words = text.trim();
    if (!words || !this.conversation) return;
    this.#outdate();
    this.#showMine(this.conversation.send(words, fleeting), fleeting ? "•".repeat(words.length) : words);
    this.#showTyping(this.handover.owner === "bot");
    this.#toEnd();
  }

  /** @param {Identity} identity */
  async identify(identity) {
    await this.conversation?.identify(identity);
  }

  async signOut() {
    this.conversation?.leave();
  }

  /** @param {Page} page */
  context(page) {
    this.page = page;
    this.conversation?.context(page);
  }

  transcript() {
    return transcript(this.said, this.words);
  }

  get words() {
    return WORDS[this.lang === "en" ? "en" : "zh"];
  }

  get brand() {
    return (this.lang === "en" && this.getAttribute("brand-en")) || this.getAttribute("brand") || "";
  }

  /** @param {Conversation} conversation */
  #follow(conversation) {
    /** @param {string} type @param {(detail: any) => void} react */
    const on = (type, react) => conversation.addEventListener(type, (event) => react(/** @type {CustomEvent} */ (event).detail));
    on("event", (event) => this.#take(event));
    on("cleared", () => this.#clear());
    on("offline", () => this.#say(this.words.offline));
    on("waiting", () => this.#say(this.words.offline));
    on("online", () => this.#say(""));
    on("ended", () => {
      this.#say(this.words.ended);
      this.#tell("teller-ended", null);
    });
    on("refused", (message) => this.#markFailed(message));
  }

  #clear() {
    this.mine.clear();
    this.said = [];
    this.draft = null;
    this.served = false;
    this.handover.reset();
    this.#showTyping(false);
    this.#showExtra(null);
    this.frame.log.replaceChildren(this.welcome, this.frame.typing);
    this.#label();
  }

  #label() {
    const words = this.words;
    if (this.conversation) this.conversation.language = this.lang === "en" ? "en" : "zh";
    const { owner, name } = this.handover;
    this.frame.label(words, words.title(this.brand), owner === "joined" ? `${words.rep} ${name}` : words.label);
    this.frame.human.hidden = owner !== "bot";
    this.#unread(this.unread);
    this.handover.draw();
    const welcome = html("div", { class: "message bot welcome" }, html("p", { class: "bubble" }, words.welcome(this.brand)));
    if (!this.said.length) welcome.append(chips(words.suggestions.map((text) => ({ title: text, payload: text })), (text) => this.#tap(text)));
    this.welcome.replaceWith(welcome);
    this.welcome = welcome;
  }

  /** @param {TellerEvent} event */
  #take(event) {
    const follow = this.#isAtEnd() || this.frame.log.scrollTop === this.placed;
    if (event.type === "message.delta") this.#grow(event);
    else if (event.type === "message.completed" && event.actor === "customer") this.#takeMine(event);
    else if (event.type === "message.completed") this.#takeTheirs(event);
    else if (event.type === "typing") this.#showTyping(isFresh(event), REP_TYPING);
    else if (event.type === "conversation.signed_in") this.#note(this.words.signedIn);
    else if (event.type === "rating.requested" && isFresh(event)) this.#askRating();
    else this.#takeHandover(event);
    if (follow) this.#toEnd();
  }

  /** A verified piece of a reply: it is shown as it comes and read aloud when the reply is whole. @param {TellerEvent} event */
  #grow({ data }) {
    this.#showTyping(false);
    if (!this.draft) {
      this.#outdate();
      const node = html("div", { class: "message bot draft", "aria-live": "off" }, html("p", { class: "bubble" }));
      this.draft = { node, text: "", evidence: [] };
      this.frame.log.insertBefore(node, this.frame.typing);
    }
    const points = Array.from(this.draft.text);
    this.draft.text = points.slice(0, data.start ?? points.length).join("") + data.text;
    this.draft.evidence.push(...(data.evidence ?? []));
    this.draft.node.firstElementChild?.replaceChildren(...withFigures(this.draft.text, this.draft.evidence, this.words));
  }

  /** @param {TellerEvent} event */
  #takeMine(event) {
    const { message_id, text } = event.data;
    this.said.push({ who: this.words.you, at: event.at, text });
    const known = this.mine.get(message_id);
    if (known) {
      /** @type {Element} */ (known.firstElementChild).textContent = text;
      known.lastElementChild?.replaceChildren(time(event.at, this.words));
    } else {
      this.#outdate();
      this.#showMine(message_id, text, event.at);
      this.#showTyping(this.handover.owner === "bot");
    }
  }

  /** @param {TellerEvent} event */
  #takeTheirs(event) {
    const words = this.words;
    this.#showTyping(false);
    this.#outdate();
    /** @type {Hands} */
    const hands = { words, ask: (text, fleeting) => this.#tap(text, fleeting), rate: (seq, score) => this.#rate(score, { seq }) };
    const message = theirs(event, hands, Boolean(this.draft));
    if (this.draft) this.draft.node.replaceWith(message);
    else this.frame.log.insertBefore(message, this.frame.typing);
    this.draft = null;
    const tag = message.querySelector(".tag")?.textContent ?? words.label;
    this.said.push({ who: tag, at: event.at, text: event.data.text });
    if (this.frame.panel.hidden && isFresh(event)) this.#unread(this.unread + 1);
    this.#tell("teller-reply", { seq: event.seq, ...event.data });
  }

  /** @param {TellerEvent} event */
  #takeHandover(event) {
    if (!this.handover.take(event)) return;
    const { owner, name } = this.handover;
    if (owner === "joined") {
      this.served = true;
      this.#showTyping(false);
      this.#note(this.words.joined(name || this.words.rep));
    } else if (owner === "bot" && this.served) {
      this.served = false;
      this.#note(this.words.left);
    }
    this.#label();
    this.#tell("teller-handover", { owner, name });
  }

  /** @param {string} id @param {string} text @param {string} [at] when the server took it */
  #showMine(id, text, at) {
    this.welcome.querySelector(".chips")?.remove();
    const message = mine(text, this.words, at);
    this.mine.set(id, message);
    this.frame.log.insertBefore(message, this.frame.typing);
  }

  /** @param {string} text something that happened, in the middle of the conversation */
  #note(text) {
    this.frame.log.insertBefore(html("p", { class: "note" }, text), this.frame.typing);
  }

  /** @param {{messageId: string, text: string, fleeting?: boolean}} refused */
  #markFailed({ messageId, text, fleeting }) {
    this.#showTyping(false);
    const message = this.mine.get(messageId);
    const again = button({}, this.words.failed, () => {
      message?.remove();
      this.mine.delete(messageId);
      this.ask(text, fleeting);
    });
    message?.lastElementChild?.replaceChildren(again);
  }

  /** Says *text* by a tap; who has a keyboard writes on. @param {string} text @param {boolean} [fleeting] */
  #tap(text, fleeting = false) {
    this.ask(text, fleeting);
    if (matchMedia("(pointer: fine)").matches) this.frame.input.focus();
    else this.frame.log.focus();
  }

  /** What was offered before holds no longer: a button answers what was said last. */
  #outdate() {
    for (const chips of this.frame.log.querySelectorAll(".message > .chips")) chips.remove();
    for (const card of this.frame.log.querySelectorAll(".once")) card.classList.add("over");
  }

  /** @param {boolean} on @param {number} [limit] */
  #showTyping(on, limit = TYPING_LIMIT) {
    clearTimeout(this.typingTimer);
    this.frame.typing.hidden = !on;
    if (on) this.typingTimer = setTimeout(() => this.#showTyping(false), limit);
  }

  /** @param {string} text a state of the line, "" for none */
  #say(text) {
    if (this.frame.status.textContent === text) return;
    this.frame.status.textContent = text;
    this.frame.status.hidden = !text;
  }

  /** @param {Node | null} node what stands between the conversation and the field */
  #showExtra(node) {
    this.frame.extra.hidden = !node;
    this.frame.extra.replaceChildren(...(node ? [node] : []));
  }

  #askRating() {
    const leave = () => {
      this.#showExtra(null);
      if (matchMedia("(pointer: fine)").matches) this.frame.input.focus();
    };
    const form = ratingForm(this.words, leave, async (score, comment) => {
      const stored = await this.#rate(score, comment ? { comment } : {});
      if (stored) this.#note(this.words.thanks);
      return stored;
    });
    this.#showExtra(form);
  }

  /** @param {number} score @param {{seq?: number, comment?: string}} more */
  async #rate(score, more) {
    const stored = (await this.conversation?.rate(score, more)) ?? false;
    if (stored) this.#tell("teller-rating", { score, ...more });
    return stored;
  }

  /** What the menu offers. @returns {Entry[]} */
  #entries() {
    const words = this.words;
    const elder = this.hasAttribute("elder");
    const dark = getComputedStyle(this.frame.panel).colorScheme === "dark";
    const entries = [
      { label: elder ? words.elderOff : words.elder, act: () => this.#setLook({ elder: !elder }) },
      { label: dark ? words.light : words.dark, act: () => this.#setLook({ theme: dark ? "light" : "dark" }) },
    ];
    if (!this.said.length) return entries;
    const keep = () => save(this.transcript(), `${words.title(this.brand)}.txt`);
    return [
      ...entries,
      { label: words.copy, act: () => navigator.clipboard.writeText(this.transcript()).then(() => this.#say(words.copied), keep) },
      { label: words.save, act: keep },
      {
        label: words.rate,
        act: () => {
          this.#askRating();
          /** @type {HTMLElement | null} */ (this.frame.extra.querySelector("input"))?.focus();
        },
      },
    ];
  }

  /** @param {{elder?: boolean, theme?: string}} look the customer's own choice, which stays */
  #setLook(look) {
    if (look.elder !== undefined) this.toggleAttribute("elder", look.elder);
    if (look.theme !== undefined) this.setAttribute("theme", look.theme);
    storage("localStorage")?.setItem(LOOK, JSON.stringify({ ...this.#look(), ...look }));
    this.#toEnd();
  }

  #look() {
    return JSON.parse(storage("localStorage")?.getItem(LOOK) ?? "{}");
  }

  #recallLook() {
    const { elder, theme } = this.#look();
    if (elder !== undefined) this.toggleAttribute("elder", elder);
    if (theme) this.setAttribute("theme", theme);
  }

  /** @param {number} count */
  #unread(count) {
    this.unread = count;
    this.frame.badge.hidden = !count;
    this.frame.badge.textContent = String(count);
    this.frame.launcher.setAttribute("aria-label", count ? `${this.words.open}${this.words.pause}${this.words.unread(count)}` : this.words.open);
  }

  #submit() {
    const text = this.frame.input.value;
    this.frame.input.value = "";
    this.ask(text);
    this.frame.input.focus();
  }

  #isAtEnd() {
    return this.frame.log.scrollHeight - this.frame.log.scrollTop - this.frame.log.clientHeight < 80;
  }

  /** To what was said last: its end, or its beginning where it is longer than there is room. */
  #toEnd() {
    const { log } = this.frame;
    log.scrollTop = log.scrollHeight;
    const last = /** @type {HTMLElement | null} */ (this.frame.typing.previousElementSibling);
    if (last?.matches(".bot, .rep") && last.offsetHeight > log.clientHeight) log.scrollTop = last.offsetTop - log.offsetTop - 12;
    this.placed = log.scrollTop;
  }

  /** @param {string} type @param {unknown} detail */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }
}

/** Whether it happens now, and is not told again after a reload. @param {TellerEvent} event */
function isFresh(event) {
  return Date.now() - new Date(event.at).getTime() < FRESH;
}

customElements.define("teller-chat", TellerChat);
