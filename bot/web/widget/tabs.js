/**
 * The tabs of one browser talk in one conversation: its credentials pass from tab to tab and rest in none but
 * these, so that closing the last of them ends it.
 */

/** @import {Credentials, Told} from "./types" */

const PATIENCE = 150;

export class Tabs {
  /** @param {string} name @param {(told: Told) => void} hear */
  constructor(name, hear) {
    /** @type {BroadcastChannel | null} */
    this.channel = "BroadcastChannel" in globalThis ? new BroadcastChannel(name) : null;
    /** @type {Set<(credentials: Credentials) => void>} */
    this.waiting = new Set();
    this.channel?.addEventListener("message", (event) => {
      const told = /** @type {Told} */ (event.data);
      if (told.type === "here" && told.credentials) for (const answer of this.waiting) answer(told.credentials);
      hear(told);
    });
  }

  /** @param {Told} told */
  tell(told) {
    this.channel?.postMessage(told);
  }

  /**
   * What another tab has that *fits*; null where none answers in time.
   * @param {(credentials: Credentials) => boolean} fits @returns {Promise<Credentials | null>}
   */
  ask(fits) {
    if (!this.channel) return Promise.resolve(null);
    return new Promise((resolve) => {
      /** @param {Credentials} credentials */
      const answer = (credentials) => {
        if (fits(credentials)) settle(credentials);
      };
      /** @param {Credentials | null} found */
      const settle = (found) => {
        this.waiting.delete(answer);
        clearTimeout(timer);
        resolve(found);
      };
      const timer = setTimeout(() => settle(null), PATIENCE);
      this.waiting.add(answer);
      this.tell({ type: "ask" });
    });
  }

  close() {
    this.channel?.close();
  }
}
