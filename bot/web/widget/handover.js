/** The line above the conversation while a human is awaited or has it: the place in the queue, then who it is. */

import { button, gauge, html } from "./dom.js";
import { repName } from "./message.js";

/** @import {Owner, Place, TellerEvent, Words} from "./types" */

const LOOK_AGAIN = 15_000;

export class Handover {
  /** @param {() => Promise<Place | null>} look @param {(text: string) => void} ask @param {() => Words} words */
  constructor(look, ask, words) {
    this.look = look;
    this.ask = ask;
    this.words = words;
    /** @type {Owner} */
    this.owner = "bot";
    this.name = "";
    this.ahead = 0;
    this.minutes = 0;
    this.most = 0;
    /** @type {[string, string] | null} when they serve, if not now */
    this.hours = null;
    this.timer = 0;
    this.node = html("div", { class: "handover", hidden: true });
  }

  /** Whether *event* changed who the conversation is with. @param {TellerEvent} event */
  take(event) {
    const { type, data } = event;
    if (type === "handover.requested" || type === "handover.queued") {
      this.owner = "queued";
      this.ahead = Number(data.ahead ?? Math.max(0, Number(data.position ?? 1) - 1));
      this.minutes = Number(data.wait_minutes ?? 0);
      this.most = Math.max(this.most, this.ahead + 1);
      this.hours = data.outcome === "after_hours" && data.hours_from ? [data.hours_from.slice(0, 5), data.hours_to.slice(0, 5)] : null;
    } else if (type === "handover.joined") {
      this.owner = "joined";
      this.name = repName(event, this.words());
    } else if (type === "handover.left") {
      this.reset();
      return true;
    } else return false;
    this.draw();
    return true;
  }

  reset() {
    this.owner = "bot";
    this.name = "";
    this.most = 0;
    this.draw();
  }

  draw() {
    clearTimeout(this.timer);
    this.node.hidden = this.owner === "bot";
    const words = this.words();
    if (this.owner === "joined") this.node.replaceChildren(html("p", { class: "who" }, words.joined(this.name || words.rep)));
    if (this.owner !== "queued") return;
    const place = this.hours ? words.afterHours(...this.hours) : `${words.ahead(this.ahead)}${words.pause}${words.wait(this.minutes)}`;
    this.node.replaceChildren(
      html("p", {}, html("strong", {}, words.queued), html("span", {}, place)),
      button({ class: "plain" }, words.leave, () => this.ask(words.leaveAsk)),
      gauge(((this.most - this.ahead) / (this.most + 1)) * 100),
    );
    this.timer = setTimeout(() => this.#lookAgain(), LOOK_AGAIN);
  }

  async #lookAgain() {
    const place = document.hidden ? null : await this.look();
    if (this.owner !== "queued") return;
    if (place) {
      this.ahead = place.ahead;
      this.minutes = place.wait_minutes;
    }
    this.draw();
  }
}
