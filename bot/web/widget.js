/**
 * The one script tag: `<script src="/widget.js"></script>` and `<teller-chat></teller-chat>`.
 * It loads the element from beside itself, so that a page of any origin that may load this file gets all of it.
 */
import(new URL("widget/chat.js", /** @type {HTMLScriptElement} */ (document.currentScript).src).href);
