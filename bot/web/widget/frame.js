/** What stays as long as the widget does: the head, the conversation's place, the field, and the button that opens it. */

import { button, html, icon, svg } from "./dom.js";

/** @import {Entry, Words} from "./types" */

const DOTS = "M6 10.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6zm6 0a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6zm6 0a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z";
const TREE = "M12 1.5 7 8.6h2.6L5.4 14h3.1L3.5 20h7.4v2.5h2.2V20h7.4l-5-6h3.1l-4.2-5.4H17z";
const CROSS = "M6.4 5 5 6.4l5.6 5.6L5 17.6 6.4 19l5.6-5.6L17.6 19 19 17.6 13.4 12 19 6.4 17.6 5 12 10.6z";
const BUBBLE = "M4 4h16a1 1 0 0 1 1 1v11a1 1 0 0 1-1 1h-8l-5 4v-4H4a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1z";

export class Frame {
  /**
   * @param {HTMLElement} handover what stands above the conversation
   * @param {{submit: () => void, human: () => void, close: () => void, launch: () => void, entries: () => Entry[]}} acts
   */
  constructor(handover, acts) {
    this.heading = html("strong");
    this.role = html("span");
    this.human = button({ class: "human" }, "", acts.human);
    this.menu = new Menu(acts.entries);
    this.closer = button({ class: "round closer" }, icon(CROSS), acts.close);
    this.log = html("div", { class: "log", role: "log", "aria-live": "polite", tabindex: "0" });
    this.status = html("p", { class: "line", role: "status", hidden: true });
    this.extra = html("div", { class: "extra", hidden: true });
    this.input = html("textarea", { rows: "1", maxlength: "2000", enterkeyhint: "send", autocomplete: "off" });
    this.send = html("button", { class: "send", type: "submit" });
    this.notice = html("p", { class: "notice" });
    this.typed = html("span", { class: "unseen" });
    const dots = html("div", { class: "bubble typing", "aria-hidden": "true" }, html("i"), html("i"), html("i"));
    this.typing = html("div", { class: "message bot", hidden: true }, dots, this.typed);
    const mark = svg("svg", { class: "mark", viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: TREE }));
    const who = html("div", { class: "who" }, this.heading, this.role);
    const head = html("header", { class: "head" }, mark, who, this.human, this.menu.node, this.closer);
    const form = html("form", { class: "writing" }, this.input, this.send);
    this.panel = html("section", { class: "panel" }, head, handover, this.log, this.status, this.extra, form, this.notice);
    this.badge = html("span", { class: "badge", "aria-hidden": "true", hidden: true });
    this.launcher = button({ class: "launcher", "aria-expanded": "false" }, icon(BUBBLE), acts.launch);
    this.launcher.append(this.badge);

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      acts.submit();
    });
    this.input.addEventListener("keydown", (event) => {
      // 229: Safari ends the composition before the Enter that chose the word.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      acts.submit();
    });
    this.panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.isComposing) acts.close();
    });
  }

  /** @param {Words} words @param {string} title @param {string} role who answers */
  label(words, title, role) {
    this.heading.textContent = title;
    this.role.textContent = role;
    this.panel.setAttribute("aria-label", title);
    this.human.textContent = words.human;
    this.menu.opener.setAttribute("aria-label", words.menu);
    this.closer.setAttribute("aria-label", words.close);
    this.log.setAttribute("aria-label", words.log);
    this.input.setAttribute("aria-label", words.input);
    this.input.placeholder = words.placeholder;
    this.send.textContent = words.send;
    this.notice.textContent = words.notice;
    this.typed.textContent = words.typing;
  }
}

/** A button that opens a list of things to do, as the menu button of the ARIA authoring practices. */
class Menu {
  /** @param {() => Entry[]} entries */
  constructor(entries) {
    this.entries = entries;
    this.opener = button({ class: "round", "aria-haspopup": "menu", "aria-expanded": "false" }, icon(DOTS), () => (this.list.hidden ? this.open() : this.close()));
    this.list = html("div", { class: "menu", role: "menu", hidden: true });
    this.list.addEventListener("keydown", (event) => this.#onKey(event));
    this.opener.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown") {
        event.preventDefault();
        this.open();
      }
    });
    this.node = html("div", { class: "menu-holder" }, this.opener, this.list);
    this.node.addEventListener("focusout", (event) => {
      if (!this.node.contains(/** @type {Node | null} */ (event.relatedTarget))) this.close(false);
    });
  }

  open() {
    const items = this.entries().map(({ label, act }) =>
      button({ role: "menuitem", tabindex: "-1" }, label, () => {
        this.close();
        act();
      }),
    );
    this.list.replaceChildren(...items);
    this.list.hidden = false;
    this.opener.setAttribute("aria-expanded", "true");
    items[0].focus();
  }

  /** @param {boolean} [back] whether the focus goes back to the button */
  close(back = true) {
    if (this.list.hidden) return;
    this.list.hidden = true;
    this.opener.setAttribute("aria-expanded", "false");
    if (back) this.opener.focus();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const items = /** @type {HTMLElement[]} */ ([...this.list.children]);
    const at = items.indexOf(/** @type {HTMLElement} */ (event.target));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      items[to % items.length].focus();
    } else if (event.key === "Escape") {
      event.stopPropagation();
      this.close();
    }
  }
}
