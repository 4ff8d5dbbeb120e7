// Makes elements. All text from the server reaches the page through here, and only as text.

// Characters that change how their neighbours look: control characters, zero width, bidirectional.
const deceptive =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

/** The text with each deceptive character named: ⟨U+202E⟩. */
export function visible(text) {
  return String(text).replace(deceptive, (character) =>
    `⟨U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`);
}

/**
 * An element. A property is an attribute (true: without a value; false, null and undefined: not
 * there), or, as a function, the listener of an event. Children are nodes, or become text.
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === 'function') {
      made.addEventListener(name, value);
    } else if (value !== false && value != null) {
      made.setAttribute(name, value === true ? '' : visible(value));
    }
  }
  append(made, children);
  return made;
}

function append(parent, children) {
  for (const child of children.flat(Infinity)) {
    if (child != null && child !== false) {
      parent.append(child instanceof Node ? child : visible(child));
    }
  }
}

export function replace(parent, ...children) {
  const fragment = document.createDocumentFragment();
  append(fragment, children);
  parent.replaceChildren(fragment);
}

/** Sets the text if it is another one: what does not change costs nothing. */
export function set_text(node, text) {
  const shown = visible(text);
  if (node.textContent !== shown) {
    node.textContent = shown;
  }
}

export function button(label, properties, ...more) {
  return element('button', { type: 'button', ...properties }, label, ...more);
}

/** An SVG element; its attributes are numbers and words of this page alone. */
export function drawing(tag, attributes, ...children) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** Tells a screen reader, without moving the focus. */
export function announce(text) {
  set_text(document.getElementById('announcement'), text);
}

export async function copy(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  // Plain HTTP from another machine: browsers have no clipboard object there.
  const field = element('textarea', { class: 'unseen' });
  field.value = text;
  (document.querySelector('dialog[open]') ?? document.body).append(field);
  field.select();
  document.execCommand('copy');
  field.remove();
}
