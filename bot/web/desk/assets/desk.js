/** What every page of the desk does in the browser. */

document.body.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  let words = `${xhr.status}`;
  try {
    words = JSON.parse(xhr.responseText).detail ?? words;
  } catch {
    // Not one of our own errors: its number must do.
  }
  toast(words, "problem");
});
document.body.addEventListener("htmx:sendError", () => toast(document.documentElement.lang === "en" ? "No connection" : "网络不通", "problem"));

/** Shows *words* for a few seconds. @param {string} words @param {string} kind */
export function toast(words, kind = "") {
  const note = document.createElement("p");
  note.className = `toast ${kind}`;
  note.textContent = words;
  document.querySelector("#toasts")?.append(note);
  setTimeout(() => note.remove(), 5000);
}
