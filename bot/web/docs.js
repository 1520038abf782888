/** The API as `/openapi.json` describes it, readable without any script from elsewhere. */

const METHODS = ["get", "post", "put", "patch", "delete"];

async function draw() {
  const place = /** @type {HTMLElement} */ (document.getElementById("operations"));
  const api = await (await fetch("/openapi.json")).json();
  /** @type {Map<string, Node[]>} */
  const groups = new Map();
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((name) => name in item)) {
      const group = item[method].tags?.[0] ?? "service";
      groups.set(group, [...(groups.get(group) ?? []), operation(api, path, method, item[method])]);
    }
  }
  place.replaceChildren(...[...groups].flatMap(([name, operations]) => [node("h2", "", name), ...operations]));
}

/** @param {any} api @param {string} path @param {string} method @param {any} spec */
function operation(api, path, method, spec) {
  const summary = node("summary", "", "", [
    node("span", "method", method.toUpperCase()),
    node("span", "path", path),
    node("span", "summary", spec.summary ?? ""),
  ]);
  const body = node("div", "body", "", [node("p", "", spec.description ?? "")]);
  const parameters = (spec.parameters ?? []).map((/** @type {any} */ p) => [
    p.name,
    `${p.in}, ${kind(api, p.schema)}${p.required ? ", required" : ""}`,
    p.description ?? p.schema.description ?? "",
  ]);
  if (spec.security?.length) parameters.unshift(["Authorization", "header, Bearer", "the conversation's secret, or a token"]);
  section(body, "Parameters", parameters);
  const schema = spec.requestBody?.content?.["application/json"]?.schema;
  if (schema) section(body, "Body", fields(api, schema));
  section(body, "Answers", Object.entries(spec.responses).map(([status, answer]) => answerRow(api, status, answer)));
  return node("article", "", "", [node("details", "", "", [summary, body])]);
}

/** @param {any} api @param {string} status @param {any} answer */
function answerRow(api, status, answer) {
  const [type, content] = Object.entries(answer.content ?? {})[0] ?? ["", {}];
  const shape = content.schema ? kind(api, content.schema) : "";
  return [status, [type, shape].filter(Boolean).join(", "), answer.description ?? ""];
}

/** @param {any} api @param {any} schema @returns {string[][]} */
function fields(api, schema) {
  const target = resolve(api, schema);
  return Object.entries(target.properties ?? {}).map(([name, field]) => [
    name,
    `${kind(api, field)}${target.required?.includes(name) ? ", required" : ""}`,
    field.description ?? "",
  ]);
}

/** @param {any} api @param {any} schema @returns {any} */
function resolve(api, schema) {
  if (!schema) return {};
  if (schema.$ref) return resolve(api, schema.$ref.slice(2).split("/").reduce((/** @type {any} */ at, /** @type {string} */ key) => at?.[key], api));
  const some = schema.anyOf?.find((/** @type {any} */ option) => option.type !== "null");
  return some ? resolve(api, some) : schema;
}

/** @param {any} api @param {any} schema @returns {string} */
function kind(api, schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map((/** @type {any} */ option) => kind(api, option)).join(" or ");
  if (schema.enum) return schema.enum.join(" | ");
  if (schema.type === "array") return `list of ${kind(api, schema.items ?? {}) || "any"}`;
  return schema.type ?? "any";
}

/** @param {Element} place @param {string} title @param {string[][]} rows */
function section(place, title, rows) {
  if (!rows.length) return;
  const cells = rows.map((row) => node("tr", "", "", row.map((text) => node("td", "", text))));
  place.append(node("h3", "", title), node("table", "", "", [node("tbody", "", "", cells)]));
}

/** @param {string} name @param {string} className @param {string} [text] @param {Node[]} [children] */
function node(name, className, text = "", children = []) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(text, ...children);
  return made;
}

draw();
