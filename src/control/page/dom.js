// Making and changing elements. Text is only ever text: nothing that comes from the API is read as markup.

export const $ = (id) => document.getElementById(id);

const put = (node, child) => {
  if (child !== null && child !== undefined && child !== false) node.append(child);
};

// el("p", { class: "x", text: "…", onclick: f, style: { width: "3%" } }, child, …)
export function el(name, props = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(props)) {
    if (key === "text") node.textContent = value;
    else if (key === "style") for (const [name, to] of Object.entries(value)) node.style.setProperty(name, to);
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(key, value);
  }
  children.flat(Infinity).forEach((child) => put(node, child));
  return node;
}

export function text(node, value) {
  if (node.textContent !== value) node.textContent = value;
}

export function fill(node, ...children) {
  node.replaceChildren();
  children.flat(Infinity).forEach((child) => put(node, child));
}

// Fills the node only when what it is made from has changed: so a selection, a hover and the focus live on.
const made = new WeakMap();
export function refill(node, from, make) {
  const key = JSON.stringify(from);
  if (made.get(node) === key) return;
  made.set(node, key);
  fill(node, make());
}
