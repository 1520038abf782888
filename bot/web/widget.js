/** The one script tag: it loads the element from beside itself, whatever page it stands in. */
import(new URL("widget/chat.js", /** @type {HTMLScriptElement} */ (document.currentScript).src).href);
