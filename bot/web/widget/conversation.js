/**
 * A conversation with the server: created once, resumed after a reload or a lost line, nothing lost and nothing doubled.
 * Messages wait in an outbox under an id of our own until the server has them; events arrive once, in order of `seq`.
 */

/**
 * @typedef {{seq: number, type: string, at: string, actor: string, data: Record<string, any>}} TellerEvent
 * @typedef {{id: string, secret: string}} Credentials
 * @typedef {{messageId: string, text: string}} Unsent
 */

const FIRST_DELAY = 500;
const LONGEST_DELAY = 10_000;
const SILENCE = 40_000; // The server speaks every 15 s, if only to say that it is there.

export class Conversation extends EventTarget {
  /** @param {string} base origin of the server, "" for this page's own @param {string} key where the state is kept */
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
    this.flushing = false;
    /** @type {AbortController | null} */
    this.stream = null;
    this.#restore();
  }

  /** Picks up where this tab left off; the events so far are sent again. */
  resume() {
    if (this.credentials) this.#listen();
    if (this.outbox.length) this.#flush();
  }

  /** Leaves the present conversation and begins another, as the customer of *token* or as nobody. @param {string | null} token */
  async restart(token) {
    this.#leave();
    this.outbox = [];
    this.#save();
    if (token) await this.#create(token);
  }

  /** Queues a message and sends it as soon as it can. @param {string} text @returns {string} its id */
  send(text) {
    const messageId = crypto.randomUUID();
    this.outbox.push({ messageId, text });
    this.#save();
    this.#flush();
    return messageId;
  }

  /** Tries the outbox again now. */
  retry() {
    this.#flush();
  }

  /** Stops listening, for an element that leaves the page. */
  close() {
    this.stream?.abort();
    this.stream = null;
  }

  /** @param {string | null} token */
  async #create(token) {
    const response = await fetch(`${this.base}/v1/conversations`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) },
      body: JSON.stringify({ language: this.language }),
    });
    if (!response.ok) throw new Error(`conversation refused: ${response.status}`);
    const { id, secret } = await response.json();
    this.credentials = { id, secret };
    this.#save();
    this.#listen();
  }

  async #flush() {
    if (this.flushing) return;
    this.flushing = true;
    let delay = FIRST_DELAY;
    try {
      while (this.outbox.length) {
        const message = this.outbox[0];
        try {
          if (!this.credentials) await this.#create(null);
          const response = await this.#post(message);
          if (response.status === 401 || response.status === 404) this.#leave();
          else if (response.status >= 500 || response.status === 429) throw new Error(`status ${response.status}`);
          else {
            this.outbox.shift();
            this.#save();
            this.#emit("online", null);
            if (!response.ok) this.#emit("refused", { ...message, status: response.status });
          }
          delay = FIRST_DELAY;
        } catch {
          this.#emit("waiting", message);
          await pause(delay);
          delay = Math.min(delay * 2, LONGEST_DELAY);
        }
      }
    } finally {
      this.flushing = false;
    }
  }

  /** @param {Unsent} message */
  #post(message) {
    const { id, secret } = /** @type {Credentials} */ (this.credentials);
    return fetch(`${this.base}/v1/conversations/${id}/messages`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${secret}` },
      body: JSON.stringify({ message_id: message.messageId, text: message.text }),
    });
  }

  async #listen() {
    this.stream?.abort();
    const control = new AbortController();
    this.stream = control;
    let delay = FIRST_DELAY;
    while (!control.signal.aborted && this.credentials) {
      try {
        const response = await this.#open(control);
        if (response.status === 401 || response.status === 404) {
          this.#leave();
          this.#emit("ended", null);
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
      await pause(delay);
      delay = Math.min(delay * 2, LONGEST_DELAY);
    }
  }

  /** @param {AbortController} control */
  #open(control) {
    const { id, secret } = /** @type {Credentials} */ (this.credentials);
    return fetch(`${this.base}/v1/conversations/${id}/events?after=${this.seq}`, {
      headers: { Accept: "text/event-stream", Authorization: `Bearer ${secret}` },
      signal: control.signal,
      cache: "no-store",
    });
  }

  /** @param {ReadableStream<Uint8Array>} body @param {AbortController} control */
  async #read(body, control) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let pending = "";
    for (;;) {
      const silence = setTimeout(() => reader.cancel(), SILENCE);
      const { value, done } = await reader.read().finally(() => clearTimeout(silence));
      if (done || control.signal.aborted) return;
      const frames = (pending + value).split("\n\n");
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

  #leave() {
    this.stream?.abort();
    this.stream = null;
    this.credentials = null;
    this.seq = 0;
    this.#save();
  }

  #save() {
    sessionStorage.setItem(this.key, JSON.stringify({ credentials: this.credentials, outbox: this.outbox }));
  }

  #restore() {
    const kept = JSON.parse(sessionStorage.getItem(this.key) ?? "{}");
    this.credentials = kept.credentials ?? null;
    this.outbox = kept.outbox ?? [];
  }

  /** @param {string} type @param {unknown} detail */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** @param {number} milliseconds */
function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
