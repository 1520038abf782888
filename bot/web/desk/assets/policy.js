// HTMX writes markup that our own server escaped into the page. This is the only policy: markup passes, code does not.
if (window.trustedTypes) window.trustedTypes.createPolicy("default", { createHTML: (markup) => markup });
