// A line of a log as pieces of text with a look: bytes that are not UTF-8 are shown as \xNN, colours
// (SGR sequences) are obeyed, no other escape sequence is. Pure.

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The text of a line, and where in it the bytes stand that are not UTF-8. */
export function decode(bytes) {
  try {
    return utf8.decode(bytes);
  } catch {
    return decode_carefully(bytes);
  }
}

/** Character by character: the longest sequence that is UTF-8, else one byte as \xNN. */
function decode_carefully(bytes) {
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const lead = bytes[at];
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    let character = null;
    try {
      character = utf8.decode(bytes.subarray(at, at + length));
    } catch {
      // not UTF-8
    }
    text += character ?? `\\x${lead.toString(16).toUpperCase().padStart(2, '0')}`;
    at += character === null ? 1 : length;
  }
  return text;
}

const sequence = /\u001b\[([0-9;:]*)m/g;

export const plain = { classes: '', colour: null, background: null };

/** {pieces: [{text, look}], look: the one that the next line begins with}. */
export function parse(line, look) {
  const pieces = [];
  let from = 0;
  for (const match of line.matchAll(sequence)) {
    if (match.index > from) {
      pieces.push({ text: line.slice(from, match.index), look });
    }
    look = next_look(look, match[1].split(/[;:]/).map(Number));
    from = match.index + match[0].length;
  }
  if (from < line.length) {
    pieces.push({ text: line.slice(from), look });
  }
  return { pieces, look };
}

const attributes = { 1: 'bold', 2: 'dim', 3: 'italic', 4: 'underline', 9: 'struck' };

function next_look(look, codes) {
  let next = { ...look };
  for (let at = 0; at < codes.length; ++at) {
    const code = codes[at];
    if (code === 0) {
      next = plain;
    } else if (attributes[code]) {
      next = { ...next, classes: `${next.classes} ${attributes[code]}` };
    } else if (code >= 22 && code <= 29) {
      next = { ...next, classes: '' };
    } else if (code === 38 || code === 48) {
      const [colour, used] = extended(codes, at + 1);
      next = { ...next, [code === 38 ? 'colour' : 'background']: colour };
      at += used;
    } else {
      next = basic_colour(next, code);
    }
  }
  return next;
}

function basic_colour(look, code) {
  if (code === 39 || code === 49) {
    return { ...look, [code === 39 ? 'colour' : 'background']: null };
  }
  for (const [first, name, offset] of [[30, 'colour', 0], [40, 'background', 0], [90, 'colour', 8],
    [100, 'background', 8]]) {
    if (code >= first && code < first + 8) {
      return { ...look, [name]: code - first + offset };
    }
  }
  return look;
}

/** A number up to 15 is the theme's colour; anything else a colour of CSS, made of numbers. */
function extended(codes, at) {
  const byte = (value) => Math.min(Math.max(Math.trunc(value) || 0, 0), 255);
  if (codes[at] === 2) {
    return [`rgb(${byte(codes[at + 1])} ${byte(codes[at + 2])} ${byte(codes[at + 3])})`, 4];
  }
  const index = byte(codes[at + 1]);
  if (index < 16) {
    return [index, 2];
  }
  if (index >= 232) {
    const grey = 8 + 10 * (index - 232);
    return [`rgb(${grey} ${grey} ${grey})`, 2];
  }
  const level = (value) => (value === 0 ? 0 : 55 + 40 * value);
  const cube = index - 16;
  return [`rgb(${level(Math.floor(cube / 36))} ${level(Math.floor(cube / 6) % 6)} ` +
    `${level(cube % 6)})`, 2];
}
