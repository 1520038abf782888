/** The demo bank's page where a signed-in customer makes a one-time link, sees what is bound, and takes it away. */

const NAMES = { wechat: "微信公众号 WeChat", "wechat-kf": "微信客服 WeChat service", wecom: "企业微信 WeCom" };
const BEIJING = { timeZone: "Asia/Shanghai" };
/** @typedef {{channel: keyof typeof NAMES, user_id: string, bound_at: string}} Binding */

/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);
const customer = JSON.parse(sessionStorage.getItem("spruce-bank") ?? "{}").customer;

/** @param {string} path @param {RequestInit} [options] */
async function ask(path, options = {}) {
  const signedIn = await fetch("/demo/token", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ customer_id: customer.customer_id }),
  });
  if (!signedIn.ok) throw new Error(String(signedIn.status));
  const { token } = await signedIn.json();
  const response = await fetch(path, { ...options, headers: { Authorization: `Bearer ${token}` } });
  if (!response.ok) throw new Error(String(response.status));
  return response.status === 204 ? null : response.json();
}

/** @param {string} text */
function tell(text) {
  byId("status").textContent = text;
}

async function makeLink() {
  try {
    const made = await ask("/v1/bindings/links", { method: "POST" });
    byId("link").textContent = made.url;
    byId("link").hidden = byId("copy").hidden = false;
    const until = new Date(made.expires_at).toLocaleTimeString("zh-CN", { ...BEIJING, hour: "2-digit", minute: "2-digit" });
    tell(`只能用一次，${until} 前有效。 Good once, until ${until}.`);
  } catch {
    tell("现在生成不了链接，请稍后再试。 A link cannot be made right now. Please try again later.");
  }
}

async function copyLink() {
  await navigator.clipboard.writeText(byId("link").textContent);
  tell("已复制，请到微信里发给我们。 Copied: now send it to us in WeChat.");
}

async function showBound() {
  /** @type {Binding[]} */
  const bound = await ask("/v1/bindings");
  byId("bound-title").hidden = !bound.length;
  byId("bound").replaceChildren(...bound.map(boundEntry));
}

/** @param {Binding} binding */
function boundEntry(binding) {
  const item = document.createElement("li");
  const name = document.createElement("span");
  const day = new Date(binding.bound_at).toLocaleDateString("zh-CN", BEIJING);
  name.textContent = `${NAMES[binding.channel] ?? binding.channel} · ${day}`;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain";
  button.textContent = "解除 Unbind";
  button.addEventListener("click", async () => {
    await ask(`/v1/bindings/${binding.channel}/${encodeURIComponent(binding.user_id)}`, { method: "DELETE" });
    await showBound();
  });
  item.append(name, button);
  return item;
}

byId("signed-in").hidden = !customer;
byId("signed-out").hidden = Boolean(customer);
if (customer) {
  byId("who").textContent = `${customer.name} ${customer.name_en}`;
  byId("make").addEventListener("click", makeLink);
  byId("copy").addEventListener("click", copyLink);
  await showBound();
}
