// A small virtual DOM. A view returns a tree of nodes made by h(), and patch() changes the document
// to match. Elements stay the same between patches, so focus, selection and scroll position survive.
//
// Data only becomes text nodes, attributes and properties: the page never parses data as HTML.

const svgNamespace = "http://www.w3.org/2000/svg";
const made = new WeakMap(); // by element: the node that it was made or updated from

// These attributes are properties of elements, because the attribute is only the first value.
const properties = new Set(["value", "checked", "disabled", "hidden", "selected", "open"]);

// h makes a node. Attributes with a name like onclick are listeners, and names like --fill are
// variables of the style sheet. A node with a key keeps its element when the order of its siblings
// changes. Children that are null, false or "" are left out.
export function h(tag, attributes, ...children) {
  return { tag, key: attributes?.key, attributes: attributes ?? {}, children: flat(children) };
}

function flat(children) {
  return children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false && c !== "")
    .map((c) => (typeof c === "object" ? c : { text: String(c) }));
}

// patch gives an element these children. The focus stays on an element that was only moved.
export function patch(parent, ...children) {
  const focused = document.activeElement;
  patchChildren(parent, flat(children));
  if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
}

function patchChildren(parent, wanted) {
  const keyed = new Map();
  for (const child of parent.childNodes) {
    const key = made.get(child)?.key;
    if (key !== undefined) keyed.set(key, child);
  }
  let next = parent.firstChild;
  for (const node of wanted) {
    let element = node.key === undefined ? next : keyed.get(node.key);
    if (!element || !fits(element, node)) element = create(node, parent.namespaceURI);
    if (element === next) next = next.nextSibling;
    else parent.insertBefore(element, next);
    update(element, node);
  }
  while (next) {
    const last = next;
    next = next.nextSibling;
    last.remove();
  }
}

function fits(element, node) {
  const from = made.get(element);
  return from !== undefined && from.tag === node.tag && from.key === node.key;
}

function create(node, namespace) {
  let element;
  if (node.tag === undefined) element = document.createTextNode(node.text);
  else if (node.tag === "svg" || namespace === svgNamespace) element = document.createElementNS(svgNamespace, node.tag);
  else element = document.createElement(node.tag);
  made.set(element, { tag: node.tag, key: node.key, attributes: {}, children: [] });
  if (node.attributes?.startsOpen) element.open = true;
  return element;
}

function update(element, node) {
  const before = made.get(element);
  made.set(element, node);
  if (node.tag === undefined) {
    if (element.data !== node.text) element.data = node.text;
    return;
  }
  for (const name of Object.keys(before.attributes)) {
    if (!(name in node.attributes)) set(element, name, null);
  }
  for (const [name, value] of Object.entries(node.attributes)) {
    if (properties.has(name) || before.attributes[name] !== value) set(element, name, value);
  }
  patchChildren(element, node.children);
}

function set(element, name, value) {
  if (name === "key" || name === "startsOpen") return;
  if (name.startsWith("on")) element[name] = value;
  else if (name.startsWith("--")) element.style.setProperty(name, value);
  else if (properties.has(name)) {
    if (element[name] !== value) element[name] = value ?? "";
  } else if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : value);
}
