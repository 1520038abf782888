/** The widget's look. The host page sets colours by `--teller-*` variables; sizes follow the text's. */

/** Each colour by light and by dark. */
const COLOURS = {
  accent: ["#14513f", "#1c6350"],
  "on-accent": ["#fff", "#fff"],
  link: ["var(--accent)", "#86d3b8"],
  surface: ["#fff", "#1c2421"],
  ground: ["#f4f6f4", "#121816"],
  ink: ["#17211d", "#e8eeeb"],
  quiet: ["#5a6863", "#a5b3ad"],
  line: ["#dde4e0", "#35423d"],
  tint: ["#e6efea", "#25322d"],
  alert: ["#a3341f", "#f0988a"],
  edge: ["#7d8b85", "#7d8b85"],
  warn: ["#fff4e2", "#3a2f16"],
  "on-warn": ["#6d4708", "#f2d9a2"],
  second: ["#b9772f", "#d79b57"],
};
const [LIGHT, DARK] = ["", "dark-"].map((dark, at) =>
  Object.entries(COLOURS)
    .map(([name, pair]) => `--${name}: var(--teller-${dark}${name}, ${pair[at]});`)
    .join(`color-scheme: ${dark ? "dark" : "light"};`),
);

export const sheet = new CSSStyleSheet();
sheet.replaceSync(`
:host {
  ${LIGHT}
  display: block;
  min-height: 0;
  color: var(--ink);
  font: 15px/1.65 var(--teller-font, system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif);
  text-align: start;
}
:host([elder]) { font-size: 20px; line-height: 1.6; }
@media (prefers-color-scheme: dark) { :host(:not([theme="light"])) { ${DARK} } }
:host([theme="dark"]) { ${DARK} }
:host([hidden]) { display: none; }
* { box-sizing: border-box; }
button, textarea, input { font: inherit; color: inherit; }
button { cursor: pointer; }
button:disabled { cursor: default; }
p, dl, dd, fieldset { margin: 0; padding: 0; border: 0; min-width: 0; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.icon { width: 1.4em; height: 1.4em; fill: currentColor; display: block; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
[hidden] { display: none !important; }

.panel { position: relative; display: flex; flex-direction: column; height: 100%; overflow: hidden; border-radius: inherit; background: var(--ground); }
:host([launcher]) { position: fixed; z-index: 2147483000; inset: auto 24px 24px auto; }
:host([launcher]) .panel {
  position: absolute;
  inset: auto 0 calc(100% + 14px) auto;
  width: 400px;
  height: min(680px, calc(100vh - 130px));
  border-radius: 14px;
  box-shadow: 0 1px 3px rgb(0 0 0 / 18%), 0 14px 44px rgb(0 0 0 / 24%);
}
:host([launcher][elder]) .panel { width: 480px; }
:host(:not([launcher])) :is(.launcher, .closer) { display: none; }
.launcher { position: relative; width: 60px; height: 60px; display: grid; place-items: center; border: 0; border-radius: 50%; background: var(--accent); color: var(--on-accent); box-shadow: 0 4px 16px rgb(0 0 0 / 26%); }
.launcher .icon { width: 28px; height: 28px; }
.badge { position: absolute; inset: -4px -4px auto auto; min-width: 22px; height: 22px; padding: 0 6px; border-radius: 11px; background: #b3261e; color: #fff; font-size: 13px; line-height: 22px; }
@media (max-width: 560px) {
  :host([launcher]) { inset: auto 16px 16px auto; }
  :host([launcher]) .panel, :host([launcher][elder]) .panel { position: fixed; inset: 0; width: auto; height: 100vh; height: 100dvh; border-radius: 0; }
}

.head { display: flex; align-items: center; gap: 10px; padding: 12px 14px; background: var(--accent); color: var(--on-accent); }
.head :focus-visible { outline-color: var(--on-accent); }
.mark { flex: none; width: 36px; height: 36px; border-radius: 50%; background: rgb(255 255 255 / 14%); padding: 7px; }
.mark path { fill: currentColor; }
.head .who { flex: 1; min-width: 0; line-height: 1.35; }
.head strong { display: block; font-size: 1.06em; font-weight: 600; }
.head .who span { font-size: .84em; }
.human { flex: none; border: 1px solid currentColor; border-radius: 6px; background: none; padding: 4px 11px; font-size: .9em; }
.round { flex: none; display: grid; place-items: center; width: 34px; height: 34px; padding: 0; border: 0; border-radius: 50%; background: none; }
.human:hover, .round:hover { background: rgb(255 255 255 / 14%); }
.menu-holder { position: relative; flex: none; }
.menu { position: absolute; z-index: 3; inset: calc(100% + 6px) 0 auto auto; display: flex; flex-direction: column; min-width: 11em; padding: 6px; border: 1px solid var(--line); border-radius: 10px; background: var(--surface); color: var(--ink); box-shadow: 0 8px 28px rgb(0 0 0 / 22%); }
.menu button { padding: 7px 12px; border: 0; border-radius: 6px; background: none; text-align: start; white-space: nowrap; }
.menu button:hover, .menu button:focus-visible { background: var(--tint); outline-color: var(--link); outline-offset: -2px; }

.handover { display: grid; grid-template-columns: 1fr auto; gap: 6px 12px; align-items: center; padding: 9px 16px; background: var(--tint); border-bottom: 1px solid var(--line); font-size: .93em; line-height: 1.45; }
.handover strong, .handover span { display: block; }
.handover .bar { grid-column: 1 / -1; }
.plain { border: 1px solid var(--edge); border-radius: 6px; background: none; padding: 3px 10px; font-size: .92em; }
.plain:hover { background: var(--surface); }

.log { flex: 1; min-height: 0; overflow-y: auto; overscroll-behavior: contain; display: flex; flex-direction: column; gap: 14px; padding: 18px 16px 12px; }
.log:focus-visible { outline-offset: -3px; }
.message { display: flex; flex-direction: column; max-width: 88%; align-self: flex-start; align-items: flex-start; }
.message:has(.card) { width: 96%; max-width: 560px; }
.message.customer { align-self: flex-end; align-items: flex-end; }
.bubble { padding: 9px 13px; border: 1px solid var(--line); border-radius: 4px 14px 14px 14px; background: var(--surface); white-space: pre-wrap; overflow-wrap: anywhere; }
.customer .bubble { border-color: var(--accent); border-radius: 14px 4px 14px 14px; background: var(--accent); color: var(--on-accent); }
.rep .bubble { background: var(--tint); }
.figure { font-variant-numeric: tabular-nums; }
.bubble .figure { font-weight: 600; }
.meta { display: flex; flex-wrap: wrap; align-items: center; gap: 2px 8px; margin: 5px 2px 0; color: var(--quiet); font-size: .8em; line-height: 1.5; }
.meta .tag { padding: 0 6px; border: 1px solid var(--line); border-radius: 4px; background: var(--surface); }
.meta button { padding: 2px 0; border: 0; background: none; color: var(--link); }
.customer .meta button { color: var(--alert); }
.meta .where { text-decoration: underline; text-underline-offset: 3px; }
.thumbs { display: inline-flex; gap: 2px; }
.meta .thumbs button { padding: 4px; border-radius: 6px; color: var(--quiet); }
.meta .thumbs .icon { width: 1.2em; height: 1.2em; fill: none; stroke: currentColor; stroke-width: 1.7; stroke-linejoin: round; }
.meta .thumbs .down .icon { transform: rotate(180deg); }
.meta .thumbs button[aria-pressed="true"] { color: var(--link); }
.meta .thumbs button[aria-pressed="true"] .icon { fill: currentColor; }
.message:not(:nth-last-child(-n + 3)) .thumbs { display: none; }
.origins { margin-top: 6px; padding: 8px 12px; border-inline-start: 3px solid var(--link); background: var(--tint); border-radius: 0 8px 8px 0; font-size: .87em; line-height: 1.55; }
.origins div + div { margin-top: 6px; }
.origins dt { color: var(--quiet); }
.origins dd { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.note { align-self: center; color: var(--quiet); font-size: .87em; text-align: center; }

.chips { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 10px; }
.chips button, .acts button { padding: 5px 13px; border: 1px solid var(--link); border-radius: 999px; background: var(--surface); color: var(--link); font-size: .94em; text-align: start; }
.chips button:hover, .acts button:hover { background: var(--tint); }
.acts { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
.acts button { border-radius: 8px; padding: 6px 16px; }
.acts .main { border-color: var(--accent); background: var(--accent); color: var(--on-accent); font-weight: 600; }
.acts .main:hover { background: var(--accent); filter: brightness(1.12); }
.acts button:disabled { opacity: .5; filter: none; }

.card { width: 100%; margin-top: 8px; padding: 12px 14px; border: 1px solid var(--line); border-radius: 12px; background: var(--surface); font-size: .94em; line-height: 1.5; }
.card > * + * { margin-top: 10px; }
.card .title { font-weight: 600; color: var(--link); }
.card.done .title::before { content: "✓ "; }
.card.over { border-color: var(--line); }
.card.over :is(.acts, .left), .card.code.over { display: none; }
.card .sources, .card .remark, .card .hint, .card .left { color: var(--quiet); font-size: .85em; }
.card .left { font-variant-numeric: tabular-nums; }
.card dl div { display: flex; justify-content: space-between; gap: 16px; padding: 3px 0; }
.card dl dt { flex: none; max-width: 55%; color: var(--quiet); }
.card dl dd { text-align: end; overflow-wrap: anywhere; min-width: 0; }
.card dl div + div { border-top: 1px dotted var(--line); }
.confirm { border-color: var(--link); }
.bar { height: 8px; border-radius: 4px; background: var(--line); overflow: hidden; display: flex; }
.bar i { display: block; height: 100%; background: var(--link); }
.handover .bar { height: 4px; }
.handover .bar i { transition: inline-size .6s; }
.meter p, .whole, .ends, .axis { display: flex; justify-content: space-between; gap: 12px; flex-wrap: wrap; }
.meter p, .ends, .axis { color: var(--quiet); font-size: .9em; margin-bottom: 4px; }
.meter b { color: var(--ink); }
.whole b { font-size: 1.2em; }
.bar .instalment_amount, .key.instalment_amount { background: var(--edge); }
.bar .remaining_due, .key.remaining_due { background: var(--second); }
.key { display: inline-block; width: .7em; height: .7em; margin-inline-end: .5em; border-radius: 2px; background: var(--link); }
.scroll { overflow: auto; max-height: 22em; margin-inline: -4px; padding-inline: 4px; }
.card table { width: 100%; border-collapse: collapse; font-size: .93em; font-variant-numeric: tabular-nums; }
.card :is(th, td) { padding: 5px 6px; border-bottom: 1px solid var(--line); text-align: start; vertical-align: top; font-weight: 400; }
.card :is(th, td):first-child { padding-inline-start: 0; }
.card :is(th, td):last-child { padding-inline-end: 0; }
.card tbody tr:last-child > * { border-bottom: 0; }
.card thead :is(th, td) { color: var(--quiet); font-size: .92em; white-space: nowrap; }
.card :is(th, td).figure { text-align: end; }
.card :is(.figure, .short) { white-space: nowrap; }
.card .compared tbody th { color: var(--quiet); min-width: 5em; }
.card .compared thead th { color: var(--ink); font-weight: 600; white-space: normal; }
.card .compared td { min-width: 6.5em; }
.thing { padding: 8px 0 0; border-top: 1px solid var(--line); }
.thing .name { display: flex; justify-content: space-between; gap: 12px; font-weight: 600; }
.thing .name small { margin-inline-start: .6em; color: var(--quiet); font-weight: 400; }
.thing .bar { margin: 5px 0; height: 5px; }
.card.product > .title + .thing { border-top: 0; padding-top: 0; }
.curve, .bars { display: block; width: 100%; height: auto; touch-action: pan-y; }
.curve .grid { stroke: var(--line); fill: none; }
.curve .tick { fill: var(--quiet); font-size: 10px; }
.curve .line { fill: none; stroke: var(--link); stroke-width: 1.8; stroke-linejoin: round; }
.curve .area { fill: var(--link); opacity: .1; }
.curve .dot { fill: var(--link); }
.curve .cross { stroke: var(--quiet); stroke-dasharray: 2 3; }
.curve .fall { fill: var(--second); opacity: .22; }
.fallen .key { background: var(--second); }
.bars rect { fill: var(--link); }
summary { cursor: pointer; color: var(--link); font-size: .9em; width: fit-content; }
.card.code { background: var(--surface); }
.code label { display: block; font-weight: 600; margin-bottom: 6px; }
.code .hint { margin-top: 8px; }
.code input { padding: 7px 10px; border: 1px solid var(--edge); border-radius: 8px; background: var(--ground); font-size: 1.15em; letter-spacing: .22em; font-variant-numeric: tabular-nums; }
.code input[aria-invalid="true"] { border-color: var(--alert); }

.extra { padding: 12px 16px; border-top: 1px solid var(--line); background: var(--surface); max-height: 60%; overflow-y: auto; }
.rating { display: grid; gap: 10px; }
.rating legend { padding: 0; font-weight: 600; }
.stars { display: inline-flex; }
.stars input { position: absolute; opacity: 0; width: 1px; height: 1px; }
.stars label { padding: 0 4px; font-size: 1.9em; line-height: 1.3; color: var(--edge); cursor: pointer; }
.stars label.lit { color: #c07a12; }
.stars input:focus-visible + label { outline: 2px solid var(--link); border-radius: 6px; }
.told { margin-inline-start: 8px; color: var(--quiet); }

.typing { display: flex; gap: 5px; align-items: center; padding: 14px; }
.typing i { width: 6px; height: 6px; border-radius: 50%; background: var(--quiet); animation: pulse 1.2s infinite; }
.typing i:nth-child(2) { animation-delay: .2s; }
.typing i:nth-child(3) { animation-delay: .4s; }
@keyframes pulse { 0%, 60%, 100% { opacity: .25; } 30% { opacity: 1; } }
@media (prefers-reduced-motion: reduce) { .typing i { animation: none; opacity: .6; } .handover .bar i { transition: none; } }

.line { padding: 6px 16px; background: var(--warn); color: var(--on-warn); font-size: .87em; }
.writing { display: flex; align-items: flex-end; gap: 10px; padding: 12px 16px 8px; border-top: 1px solid var(--line); background: var(--surface); }
textarea { flex: 1; width: 100%; min-width: 0; max-height: 120px; padding: 8px 12px; border: 1px solid var(--edge); border-radius: 8px; background: var(--surface); resize: none; field-sizing: content; }
textarea::placeholder { color: var(--quiet); opacity: 1; }
.send { flex: none; min-height: 2.8em; padding: 0 18px; border: 0; border-radius: 8px; background: var(--accent); color: var(--on-accent); font-weight: 600; }
.notice { padding: 0 16px 10px; background: var(--surface); color: var(--quiet); font-size: .8em; }
`);
