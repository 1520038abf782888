/** Shows *words* for a few seconds. @param {string} words @param {string} kind */
export function toast(words, kind = "") {
  const note = document.createElement("p");
  note.className = `toast ${kind}`;
  note.textContent = words;
  document.querySelector("#toasts")?.append(note);
  setTimeout(() => note.remove(), 5000);
}
