/** The conversation as text to keep: who said what and when, and what an AI wrote labelled as such. */

import { moment } from "./words.js";

/** @import {Said, Words} from "./types" */

/** @param {Said[]} said @param {Words} words */
export function transcript(said, words) {
  const lines = said.map(({ who, at, text }) => `[${moment(at, words)}] ${who}\n${text}`);
  return [words.transcript(moment(new Date().toISOString(), words)), ...lines].join("\n\n") + "\n";
}

/** @param {string} text @param {string} name of the file */
export function save(text, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/plain;charset=utf-8" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

