/**
 * A conversation with the server: created once, resumed after a reload or a lost line, nothing lost and nothing doubled.
 * Messages wait in an outbox under an id of our own until the server has them; events arrive once, in order of `seq`.
 */

import { storage } from "./dom.js";
import { Tabs } from "./tabs.js";

/** @import {Credentials, Identity, Page, Place, TellerEvent, Told, Unsent} from "./types" */

const FIRST_DELAY = 500;
const LONGEST_DELAY = 10_000;
const TYPES_EVERY = 4_000;
const SILENCE = 40_000; // The server speaks every 15 s, if only to say that it is there.
const PAGE = { page: /^[a-z0-9_\-/]{1,64}$/, product: /^[\p{L}\p{N}_· +\-()（）.]{1,48}$/u, card_tail: /^[0-9]{4}$/ };

export class Conversation extends EventTarget {
  /** @param {string} base the server's origin @param {string} key where the state is kept */
  constructor(base, key) {
    super();
    this.base = base;
    this.key = key;
    this.language = "zh";
    this.seq = 0;
    /** @type {Credentials | null} */
    this.credentials = null;
    /** @type {Unsent[]} */
    this.outbox = [];
    /** @type {Page | null} */
    this.page = null;
    this.pageTold = "";
    this.typedAt = 0;
    /** @type {Identity | null} */
    this.identity = null;
    this.flushing = false;
    /** @type {AbortController | null} */
    this.stream = null;
    /** @type {Set<() => void>} each ends a pause before the next try */
    this.sleepers = new Set();
    this.tabs = new Tabs(`${key}:${base}`, (told) => this.#hear(told));
    /** @type {Promise<unknown>} nothing is created before the other tabs had their say */
    this.settled = Promise.resolve();
    this.woken = () => this.sleepers.forEach((wake) => wake());
    globalThis.addEventListener?.("online", this.woken);
    this.#restore();
  }

  /** Picks up where this tab left off, or another is. */
  resume() {
    if (this.credentials) this.#listen();
    else this.settled = this.tabs.ask(() => true).then((found) => found && !this.credentials && this.#adopt(found));
    if (this.outbox.length) this.#flush();
  }

  /** Makes the conversation that customer's, or begins one where it is another's. @param {Identity} identity */
  async identify(identity) {
    this.identity = identity;
    await this.settled;
    const token = typeof identity === "function" ? await identity() : identity;
    if (this.credentials) {
      const response = await this.#fetch("/sign-in", { method: "POST", body: { token } });
      if (response.ok) return this.#begun(await response.json());
      if (response.status !== 409 && response.status !== 401 && response.status !== 404) {
        throw new Error(`sign-in refused: ${response.status}`);
      }
    }
    const began = await this.#create(token);
    this.#emit("cleared", null);
    this.#begun(began);
  }

  /** Leaves the conversation, in every tab; the next message begins one as nobody. */
  leave() {
    const id = this.credentials?.id;
    this.identity = null;
    this.outbox = [];
    this.#forget();
    this.#emit("cleared", null);
    if (id) this.tabs.tell({ type: "left", id });
  }

  /** Queues a message; gives its id. @param {string} text @param {boolean} [fleeting] */
  send(text, fleeting = false) {
    const messageId = crypto.randomUUID();
    this.outbox.push({ messageId, text, fleeting });
    this.#save();
    this.#flush();
    return messageId;
  }

  /** Tells what the page shows, with the next message. @param {Page} page */
  context(page) {
    /** @type {Record<string, string>} */
    const known = {};
    for (const [name, pattern] of Object.entries(PAGE)) {
      const value = /** @type {Record<string, unknown>} */ (page)[name];
      if (typeof value === "string" && pattern.test(value)) known[name] = value;
      else if (value) console.warn(`teller-chat: context.${name} is not understood`);
    }
    this.page = known;
  }

  /** Where the customer waits for a human, if they do. @returns {Promise<Place | null>} */
  async place() {
    if (!this.credentials) return null;
    const response = await this.#fetch("").catch(() => null);
    return response?.ok ? ((await response.json()).queue ?? null) : null;
  }

  /** Stores a rating of 1 to 5, of the reply *seq* or of all. @param {number} score @param {{seq?: number, comment?: string}} more */
  async rate(score, more) {
    if (!this.credentials) return false;
    const response = await this.#fetch("/rating", { method: "PUT", body: { score, ...more } }).catch(() => null);
    return Boolean(response?.ok);
  }

  /** Tells a human who has the conversation that the customer writes, every few seconds at most. */
  types() {
    if (!this.credentials || Date.now() - this.typedAt < TYPES_EVERY) return;
    this.typedAt = Date.now();
    this.#fetch("/typing", { method: "POST" }).catch(() => null);
  }

  close() {
    this.stream?.abort();
    this.stream = null;
    this.tabs.close();
    globalThis.removeEventListener?.("online", this.woken);
  }

  /** @param {string | null} token @returns {Promise<Credentials>} */
  async #create(token) {
    const page = this.page ? { context: this.page } : {};
    const response = await fetch(`${this.base}/v1/conversations`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) },
      body: JSON.stringify({ language: this.language, ...page }),
    });
    if (!response.ok) throw new Error(`conversation refused: ${response.status}`);
    this.pageTold = JSON.stringify(this.page);
    return response.json();
  }

  /** @param {Credentials} credentials ours from now on, in every tab */
  #begun({ id, secret }) {
    if (this.credentials?.id !== id) this.seq = 0;
    this.credentials = { id, secret };
    this.#save();
    this.tabs.tell({ type: "begun", credentials: this.credentials });
    this.#listen();
  }

  /** @param {Credentials} credentials that another tab has */
  #adopt(credentials) {
    if (this.credentials && this.credentials.id !== credentials.id) {
      this.#forget();
      this.#emit("cleared", null);
    }
    this.credentials = credentials;
    this.#save();
    this.#listen();
  }

  /** @param {Told} told */
  #hear({ type, credentials, id }) {
    if (type === "ask" && this.credentials) this.tabs.tell({ type: "here", credentials: this.credentials });
    if (type === "begun" && credentials && credentials.secret !== this.credentials?.secret) this.#adopt(credentials);
    if (type === "left" && id && id === this.credentials?.id) {
      this.#forget();
      this.#emit("cleared", null);
    }
  }

  async #flush() {
    if (this.flushing) return;
    this.flushing = true;
    let delay = FIRST_DELAY;
    try {
      await this.settled;
      while (this.outbox.length) {
        const message = this.outbox[0];
        try {
          if (!this.credentials) this.#begun(await this.#create(null));
          const page = JSON.stringify(this.page);
          const context = this.page && page !== this.pageTold ? { context: this.page } : {};
          const body = { message_id: message.messageId, text: message.text, ...context };
          const used = this.credentials;
          const response = await this.#fetch("/messages", { method: "POST", body });
          if (response.status === 401 || response.status === 404) await this.#renew(used);
          else if (response.status >= 500 || response.status === 429) throw new Error(`status ${response.status}`);
          else {
            this.outbox.shift();
            this.pageTold = page;
            this.#save();
            this.#emit("online", null);
            if (!response.ok) this.#emit("refused", { ...message, status: response.status });
          }
          delay = FIRST_DELAY;
        } catch {
          this.#emit("waiting", message);
          await this.#pause(delay);
          delay = Math.min(delay * 2, LONGEST_DELAY);
        }
      }
    } finally {
      this.flushing = false;
    }
  }

  /** *used* opens nothing any more: another tab has what came after it, the host page a token, or it is over. @param {Credentials | null} used */
  async #renew(used) {
    if (!used || this.credentials?.secret !== used.secret) return;
    const found = await this.tabs.ask(({ id, secret }) => id === used.id && secret !== used.secret);
    if (this.credentials?.secret !== used.secret) return;
    if (found) return this.#adopt(found);
    this.#forget();
    if (typeof this.identity === "function") {
      try {
        this.#begun(await this.#create(await this.identity()));
        return;
      } catch {
        this.identity = null;
      }
    }
    this.#emit("ended", null);
  }

  async #listen() {
    this.stream?.abort();
    const control = new AbortController();
    this.stream = control;
    let delay = FIRST_DELAY;
    while (!control.signal.aborted && this.credentials) {
      const used = this.credentials;
      try {
        const response = await this.#fetch(`/events?after=${this.seq}`, {
          accept: "text/event-stream",
          signal: control.signal,
        });
        if (response.status === 401 || response.status === 404) {
          await this.#renew(used);
          return;
        }
        if (!response.ok || !response.body) throw new Error(`status ${response.status}`);
        this.#emit("online", null);
        delay = FIRST_DELAY;
        await this.#read(response.body, control);
      } catch {
        if (control.signal.aborted) return;
        this.#emit("offline", null);
      }
      await this.#pause(delay);
      delay = Math.min(delay * 2, LONGEST_DELAY);
    }
  }

  /** @param {ReadableStream<Uint8Array>} body @param {AbortController} control */
  async #read(body, control) {
    const decoder = new TextDecoder();
    const reader = body.getReader();
    let pending = "";
    for (;;) {
      const silence = setTimeout(() => reader.cancel(), SILENCE);
      const { value, done } = await reader.read().finally(() => clearTimeout(silence));
      if (done || control.signal.aborted) return;
      const frames = (pending + decoder.decode(value, { stream: true })).split("\n\n");
      pending = frames.pop() ?? "";
      for (const frame of frames) this.#take(frame);
    }
  }

  /** @param {string} frame one server-sent event, or a comment */
  #take(frame) {
    const data = frame
      .split("\n")
      .filter((line) => line.startsWith("data:"))
      .map((line) => line.slice(5).trimStart())
      .join("\n");
    if (!data) return;
    /** @type {TellerEvent} */
    const event = JSON.parse(data);
    if (event.seq <= this.seq) return;
    this.seq = event.seq;
    this.#emit("event", event);
  }

  /**
   * @param {string} path behind the conversation's own
   * @param {{method?: string, body?: object, accept?: string, signal?: AbortSignal}} [how]
   */
  #fetch(path, { method, body, accept, signal } = {}) {
    const { id, secret } = /** @type {Credentials} */ (this.credentials);
    return fetch(`${this.base}/v1/conversations/${id}${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${secret}`,
        ...(accept ? { Accept: accept } : {}),
        ...(body ? { "Content-Type": "application/json" } : {}),
      },
      body: body && JSON.stringify(body),
      signal,
      cache: "no-store",
    });
  }

  #forget() {
    this.stream?.abort();
    this.stream = null;
    this.credentials = null;
    this.seq = 0;
    this.#save();
  }

  #save() {
    const outbox = this.outbox.filter((message) => !message.fleeting);
    storage("sessionStorage")?.setItem(this.key, JSON.stringify({ credentials: this.credentials, outbox, told: this.pageTold }));
  }

  #restore() {
    const kept = JSON.parse(storage("sessionStorage")?.getItem(this.key) ?? "{}");
    this.credentials = kept.credentials ?? null;
    this.outbox = kept.outbox ?? [];
    this.pageTold = kept.told ?? "";
  }

  /** @param {number} milliseconds */
  #pause(milliseconds) {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.sleepers.delete(wake);
        resolve(undefined);
      };
      const timer = setTimeout(wake, milliseconds);
      this.sleepers.add(wake);
    });
  }

  /** @param {string} type @param {unknown} detail */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
