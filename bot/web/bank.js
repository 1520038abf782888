/** The demo bank's page: language, sign-in as a demo customer, the phone that receives one-time codes. */

const chat = /** @type {any} */ (document.querySelector("teller-chat"));
const KEY = "spruce-bank";
/** @type {{english: boolean, customer: Customer | null}} */
const state = { english: navigator.language.startsWith("en"), customer: null, ...JSON.parse(sessionStorage.getItem(KEY) ?? "{}") };
/** @typedef {{customer_id: string, name: string, name_en: string, tier: string, note: string, note_en: string}} Customer */

/** @type {Record<string, [string, string]>} */
const TIERS = {
  standard: ["普通客户", "Standard"],
  gold: ["金卡客户", "Gold"],
  platinum: ["白金客户", "Platinum"],
  private: ["私人银行", "Private"],
};

/** @param {string} zh @param {string} en */
const say = (zh, en) => (state.english ? en : zh);

/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);

function save() {
  sessionStorage.setItem(KEY, JSON.stringify(state));
}

/** @param {string} selector @returns {NodeListOf<HTMLElement>} */
const all = (selector) => document.querySelectorAll(selector);

function setLanguage() {
  document.documentElement.lang = state.english ? "en" : "zh-CN";
  chat.lang = state.english ? "en" : "zh";
  for (const node of all("[data-en]")) {
    const zh = (node.dataset.zh ??= node.textContent ?? "");
    node.textContent = state.english ? (node.dataset.en ?? "") : zh;
  }
  for (const node of all("[data-en-label]")) {
    const zh = (node.dataset.zhLabel ??= node.getAttribute("aria-label") ?? "");
    node.setAttribute("aria-label", state.english ? (node.dataset.enLabel ?? "") : zh);
  }
  const button = byId("language");
  button.textContent = say("EN", "中文");
  button.lang = say("en", "zh-CN");
  button.setAttribute("aria-label", say("Switch to English", "切换到中文"));
  showCustomer();
}

/** @type {Customer[]} */
let customers = [];

async function loadCustomers() {
  const response = await fetch("/demo/customers");
  if (!response.ok) {
    byId("sign-in").hidden = true;
    return;
  }
  customers = await response.json();
  showCustomer();
}

function showCustomer() {
  byId("who").hidden = byId("sign-out").hidden = byId("handset").hidden = !state.customer;
  byId("to-sign-in").hidden = Boolean(state.customer) || !customers.length;
  byId("who").textContent = state.customer ? say(state.customer.name, state.customer.name_en) : "";
  byId("customers").replaceChildren(...customers.map(customerEntry));
}

/** @param {Customer} customer */
function customerEntry(customer) {
  const button = make("button", "");
  button.type = "button";
  button.setAttribute("aria-pressed", String(customer.customer_id === state.customer?.customer_id));
  button.addEventListener("click", () => signIn(customer));
  const called = say(customer.name, customer.name_en);
  const name = make("strong", "", called);
  name.append(make("span", "tier", say(...(TIERS[customer.tier] ?? ["", ""]))));
  const words = make("span", "");
  words.append(name, make("span", "quiet", say(customer.note, customer.note_en)));
  button.append(make("span", "initial", called.slice(0, 1)), words);
  const item = make("li", "");
  item.append(button);
  return item;
}

/** @param {Customer} customer */
async function signIn(customer) {
  const status = byId("sign-in-state");
  status.hidden = true;
  try {
    const response = await fetch("/demo/token", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ customer_id: customer.customer_id }),
    });
    if (!response.ok) throw new Error(String(response.status));
    await chat.identify((await response.json()).token);
    state.customer = customer;
    toChat();
  } catch {
    status.textContent = say("登录没有成功，请稍后再试。", "Signing in did not work. Please try again.");
    status.hidden = false;
  }
  showMessage(null);
  save();
  showCustomer();
}

/** On a phone the chat is above what was tapped. */
function toChat() {
  if (chat.getBoundingClientRect().top < 0) chat.scrollIntoView();
}

async function signOut() {
  await chat.signOut();
  state.customer = null;
  showMessage(null);
  save();
  showCustomer();
}

/** @param {{code: string, expires_at: string} | null} message */
function showMessage(message) {
  byId("sms").hidden = !message;
  byId("handset-empty").hidden = Boolean(message);
  if (!message) return;
  byId("sms-text").textContent = say(
    `【云杉银行】您的验证码是 ${message.code}，请勿告诉任何人，包括银行工作人员。`,
    `[Spruce Bank] Your code is ${message.code}. Never share it with anyone, our staff included.`,
  );
  byId("sms-use").onclick = () => {
    chat.ask(message.code);
    showMessage(null);
  };
  const left = new Date(message.expires_at).getTime() - Date.now();
  setTimeout(() => showMessage(null), Math.max(left, 0));
}

let lastSeq = 0;

/** A code is on the phone after a reply that says so, until one that is about something else. @param {any} reply */
async function lookAtPhone(reply) {
  lastSeq = reply.seq;
  const outcomes = (reply.decisions ?? []).map((/** @type {any} */ made) => made.outcome ?? "");
  if (!outcomes.some((/** @type {string} */ outcome) => outcome.startsWith("code_"))) showMessage(null);
  if (!state.customer || !outcomes.includes("code_sent")) return;
  const response = await fetch(`/demo/phone/${state.customer.customer_id}`);
  if (reply.seq === lastSeq) showMessage(response.ok ? await response.json() : null);
}

/** @param {string} name @param {string} className @param {string} [text] @returns {any} */
function make(name, className, text = "") {
  const node = document.createElement(name);
  if (className) node.className = className;
  node.textContent = text;
  return node;
}

chat.addEventListener("teller-reply", (/** @type {CustomEvent} */ event) => lookAtPhone(event.detail));
byId("sign-out").addEventListener("click", signOut);
byId("language").addEventListener("click", () => {
  state.english = !state.english;
  save();
  setLanguage();
});
for (const button of all("[data-ask]")) {
  button.addEventListener("click", () => {
    chat.ask(state.english ? button.dataset.askEn : button.dataset.ask);
    toChat();
  });
}
export {};
await customElements.whenDefined("teller-chat");
setLanguage();
await loadCustomers();
