/** What the frame does in the browser: it keeps the newest line in view, and says when it is over. */

const lines = document.querySelector("#lines");

/** Shows the end of the talk. */
function toEnd() {
  lines.scrollTop = lines.scrollHeight;
}

document.body.addEventListener("htmx:beforeSwap", () => {
  const near = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 80;
  if (near) document.body.addEventListener("htmx:afterSwap", toEnd, { once: true });
});
document.body.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status !== 401) return;
  document.querySelector("#over").hidden = false;
  document.querySelector(".more")?.remove();
});
toEnd();
