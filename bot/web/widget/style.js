/** The widget's look. The host page sets the colours through the `--teller-*` variables. */

const sheet = new CSSStyleSheet();
sheet.replaceSync(`
:host {
  --accent: var(--teller-accent, #14513f);
  --on-accent: var(--teller-on-accent, #ffffff);
  --surface: var(--teller-surface, #ffffff);
  --ground: var(--teller-ground, #f4f6f4);
  --ink: var(--teller-ink, #17211d);
  --quiet: var(--teller-quiet, #5a6863);
  --line: var(--teller-line, #dde4e0);
  --tint: var(--teller-tint, #e6efea);
  --alert: var(--teller-alert, #a3341f);
  display: flex;
  flex-direction: column;
  min-height: 0;
  overflow: hidden;
  background: var(--ground);
  color: var(--ink);
  font: 15px/1.65 var(--teller-font, system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif);
}
:host([hidden]) { display: none; }
* { box-sizing: border-box; }
button, textarea { font: inherit; color: inherit; }
button { cursor: pointer; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }

header {
  display: flex;
  align-items: center;
  gap: 12px;
  padding: 14px 16px;
  background: var(--accent);
  color: var(--on-accent);
}
header :focus-visible { outline-color: var(--on-accent); }
.mark { flex: none; width: 36px; height: 36px; border-radius: 50%; background: rgb(255 255 255 / 14%); padding: 7px; }
.mark path { fill: currentColor; }
.who { flex: 1; min-width: 0; line-height: 1.35; }
.who strong { display: block; font-size: 16px; font-weight: 600; }
.who span { font-size: 12.5px; opacity: .86; }
.human {
  flex: none;
  border: 1px solid rgb(255 255 255 / 45%);
  border-radius: 6px;
  background: none;
  color: inherit;
  padding: 5px 12px;
  font-size: 13.5px;
}
.human:hover { background: rgb(255 255 255 / 12%); }

.log {
  flex: 1;
  min-height: 0;
  overflow-y: auto;
  overscroll-behavior: contain;
  display: flex;
  flex-direction: column;
  gap: 14px;
  padding: 18px 16px 12px;
}
.log:focus-visible { outline-offset: -3px; }
.message { display: flex; flex-direction: column; max-width: 86%; align-self: flex-start; align-items: flex-start; }
.message.customer { align-self: flex-end; align-items: flex-end; }
.bubble {
  margin: 0;
  padding: 10px 14px;
  border: 1px solid var(--line);
  border-radius: 4px 14px 14px 14px;
  background: var(--surface);
  white-space: pre-wrap;
  overflow-wrap: anywhere;
}
.customer .bubble {
  border-color: var(--accent);
  border-radius: 14px 4px 14px 14px;
  background: var(--accent);
  color: var(--on-accent);
}
.rep .bubble { background: var(--tint); }
.figure { font-weight: 600; font-variant-numeric: tabular-nums; }
.meta { display: flex; gap: 8px; margin: 4px 2px 0; color: var(--quiet); font-size: 12px; line-height: 1.4; }
.meta .tag { padding: 0 6px; border: 1px solid var(--line); border-radius: 4px; background: var(--surface); }
.meta button { padding: 0; border: 0; background: none; color: var(--alert); text-decoration: underline; }

.chips { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 10px; }
.chips button {
  padding: 5px 13px;
  border: 1px solid var(--accent);
  border-radius: 999px;
  background: var(--surface);
  color: var(--accent);
  font-size: 14px;
}
.chips button:hover { background: var(--tint); }
.note { align-self: center; margin: 0; color: var(--quiet); font-size: 13px; text-align: center; }

.typing { display: flex; gap: 5px; align-items: center; padding: 14px; }
.typing i { width: 6px; height: 6px; border-radius: 50%; background: var(--quiet); animation: pulse 1.2s infinite; }
.typing i:nth-child(2) { animation-delay: .2s; }
.typing i:nth-child(3) { animation-delay: .4s; }
@keyframes pulse { 0%, 60%, 100% { opacity: .25; } 30% { opacity: 1; } }
@media (prefers-reduced-motion: reduce) { .typing i { animation: none; opacity: .6; } }

.line { margin: 0; padding: 6px 16px; background: #fff4e2; color: #6d4708; font-size: 13px; }
form {
  display: flex;
  align-items: flex-end;
  gap: 10px;
  padding: 12px 16px 8px;
  border-top: 1px solid var(--line);
  background: var(--surface);
}
textarea {
  flex: 1;
  min-width: 0;
  max-height: 120px;
  padding: 8px 12px;
  border: 1px solid #b9c5bf;
  border-radius: 8px;
  background: var(--surface);
  resize: none;
  field-sizing: content;
}
textarea::placeholder { color: #6b7872; }
.send {
  flex: none;
  min-height: 42px;
  padding: 0 18px;
  border: 0;
  border-radius: 8px;
  background: var(--accent);
  color: var(--on-accent);
  font-weight: 600;
}
.send:disabled { opacity: .45; cursor: default; }
.notice { margin: 0; padding: 0 16px 10px; background: var(--surface); color: var(--quiet); font-size: 12px; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
[hidden] { display: none !important; }
`);

export { sheet };
