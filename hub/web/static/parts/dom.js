// A screen is drawn as a tree of plain nodes; `patch` makes the document equal to it and keeps every element that stays,
// so that a key under a finger, a focus or a half-written note survives a redraw.

const SVG = "http://www.w3.org/2000/svg";
const drawn = new WeakMap(); // element → [{node, element}] of its children as last drawn

/** One element: `h("p.where", {key, id, …}, child, [child, …], "text", false)`. Attributes that are false or null are left out. */
export function h(name, attributes, ...children) {
  const [tag, ...classes] = name.split(".");
  const { key = null, class: more = "", ...rest } = attributes ?? {};
  const named = [...classes, ...more.split(" ")].filter(Boolean).join(" ");
  if (named) rest.class = named;
  return { tag, key, attributes: rest, children: flat(children) };
}

/** Makes the children of `parent` equal to `nodes`. Elements are kept by `key`, else by tag and order. */
export function patch(parent, nodes) {
  const wanted = flat([nodes]);
  const before = new Map(named(drawn.get(parent) ?? [], (child) => child.node).map(([name, child]) => [name, child]));
  const after = named(wanted, (node) => node).map(([name, node]) => {
    const child = before.get(name);
    before.delete(name);
    return { node, element: child ? update(child, node) : create(node, parent) };
  });
  for (const { element } of before.values()) element.remove();
  after.forEach(({ element }, place) => {
    if (parent.childNodes[place] !== element) parent.insertBefore(element, parent.childNodes[place] ?? null);
  });
  drawn.set(parent, after);
}

function flat(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false && child !== "");
}

function named(items, nodeOf) {
  const counts = new Map();
  return items.map((item) => {
    const node = nodeOf(item);
    const tag = node.tag ?? "#text";
    if (node.key !== null && node.key !== undefined) return [`${tag}:${node.key}`, item];
    counts.set(tag, (counts.get(tag) ?? 0) + 1);
    return [`${tag}#${counts.get(tag)}`, item];
  });
}

function create(node, parent) {
  if (node.tag === undefined) return document.createTextNode(node);
  const svg = node.tag === "svg" || parent.namespaceURI === SVG;
  const element = svg ? document.createElementNS(SVG, node.tag) : document.createElement(node.tag);
  setAttributes(element, {}, node.attributes);
  patch(element, node.children);
  return element;
}

function update({ node: old, element }, node) {
  if (node.tag === undefined) {
    if (element.data !== String(node)) element.data = node;
    return element;
  }
  setAttributes(element, old.attributes, node.attributes);
  patch(element, node.children);
  return element;
}

function setAttributes(element, old, wanted) {
  for (const name of Object.keys(old)) {
    if (!given(wanted[name])) element.removeAttribute(name);
  }
  for (const [name, value] of Object.entries(wanted)) {
    if (given(value) && (value !== old[name] || !element.hasAttribute(name))) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
}

const given = (value) => value !== undefined && value !== null && value !== false;
