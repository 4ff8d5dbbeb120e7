// Logs as they are written: one process's, or several in one stream with the names and the time of
// arrival. Follows until one scrolls up; lines are text, whatever is in them.

import { decode, parse, plain } from './ansi.js';
import { button, element, replace, set_text, visible } from './dom.js';
import { label_of, path_of } from './state.js';
import { count_of } from './words.js';

const past = [16_384, 131_072, 1_048_576]; // bytes: "Earlier" goes on to the next
const most_lines = 5000; // the oldest are dropped
const longest_line = 10_000; // characters shown of one
const settles = 700; // milliseconds: what comes then was not there before
const retry_after = 3000;
const newline = 10;
const download_limit = 64 * 1024 * 1024;
const range = 1_048_576;

/** Of one log: cuts bytes into lines. A last line without an end is shown as far as it is there. */
class Source {
  look = plain;
  rest = new Uint8Array();

  constructor(process, stream, at) {
    this.process = process;
    this.stream = stream;
    this.at = at;
  }

  /** The lines that these bytes end. */
  lines(bytes) {
    const all = new Uint8Array(this.rest.length + bytes.length);
    all.set(this.rest);
    all.set(bytes, this.rest.length);
    const lines = [];
    let from = 0;
    for (let end = all.indexOf(newline); end >= 0; end = all.indexOf(newline, from)) {
      lines.push(this.#line(all.subarray(from, end)));
      from = end + 1;
    }
    this.rest = all.slice(from);
    if (this.rest.length > 4 * longest_line) {
      lines.push(this.#line(this.rest));
      this.rest = new Uint8Array();
    }
    return lines;
  }

  #line(bytes) {
    const text = decode(bytes).replace(/\r$/, '').slice(0, longest_line);
    const { pieces, look } = parse(text, this.look);
    this.look = look;
    return pieces.map((piece) => ({ ...piece, text: visible(piece.text) }));
  }
}

export class LogView {
  #api;
  #processes;
  #streams;
  #sources = [];
  #stop = new AbortController();
  #lines = []; // {node, pieces}
  #waiting = []; // until the next frame
  #follows = true;
  #past = 0;
  #opened_at = 0;
  #search = '';
  #match = -1;

  constructor(api, processes, streams) {
    this.#api = api;
    this.#processes = processes;
    this.#streams = streams;
    this.#make();
    this.#open();
  }

  close() {
    this.#stop.abort();
  }

  #make() {
    this.follow = button('Follow', { 'aria-pressed': 'true', click: () => this.#set_follow(true) });
    this.search = element('input', { type: 'search', placeholder: 'Search', 'aria-label':
      'Search the log', input: () => this.#searched(), keydown: (event) => {
      if (event.key === 'Enter') {
        event.preventDefault();
        this.#next_match(event.shiftKey ? -1 : 1);
      }
    } });
    this.found = element('span', { class: 'quiet', role: 'status' });
    this.wrap = button('Wrap', { 'aria-pressed': 'true', click: () => {
      const wraps = this.text.classList.toggle('wraps');
      this.wrap.setAttribute('aria-pressed', wraps);
    } });
    this.status = element('p', { class: 'quiet', role: 'status' });
    this.text = element('div', { class: 'text wraps', tabindex: 0, role: 'log', 'aria-live': 'off',
      'aria-label': 'Log', scroll: () => this.#scrolled() });
    this.earlier = button('Earlier', { click: () => this.#reopen(this.#past + 1) });
    this.tabs = ['stdout', 'stderr', 'both'].map((name) => button(name, {
      click: () => this.#choose(name) }));
    this.node = element('section', { class: 'logs', 'aria-label': 'Logs' },
      element('div', { class: 'tools' }, this.tabs, this.follow, this.wrap, this.earlier,
        this.#processes.length === 1 && button('Download', { click: () => this.#download() }),
        this.search, this.found),
      this.text, this.status);
    this.#show_tabs();
  }

  #show_tabs() {
    const chosen = this.#streams.length > 1 ? 'both' : this.#streams[0];
    this.tabs.forEach((tab) => tab.setAttribute('aria-pressed', tab.textContent === chosen));
  }

  #choose(name) {
    this.#streams = name === 'both' ? ['stdout', 'stderr'] : [name];
    this.#show_tabs();
    this.#reopen(0);
  }

  #reopen(past_step) {
    this.#past = Math.min(past_step, past.length - 1);
    this.earlier.disabled = this.#past === past.length - 1;
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#open();
  }

  #open() {
    this.#lines = [];
    this.#waiting = [];
    this.text.replaceChildren();
    set_text(this.status, '');
    this.#opened_at = Date.now();
    this.#sources = this.#processes.flatMap((process) =>
      this.#streams.map((stream) => [process, stream])).map(([process, stream], at) =>
      new Source(process, stream, at));
    this.#sources.forEach((source) => this.#read(source, this.#stop.signal));
  }

  async #read(source, signal) {
    try {
      const path = path_of(source.process, `/logs/${source.stream}`);
      const query = `${path.includes('?') ? '&' : '?'}follow=true&bytes=${past[this.#past]}`;
      const response = await this.#api.fetch('GET', path + query, { signal });
      const reader = response.body.getReader();
      set_text(this.status, '');
      for (;;) {
        const { value, done } = await reader.read();
        if (done) {
          break;
        }
        this.#add(source, source.lines(value));
      }
      set_text(this.status, 'This log is not followed any more.');
    } catch (error) {
      if (!signal.aborted) {
        this.#failed(source, error, signal);
      }
    }
  }

  /** A place may become free; a connection that broke is found again, with what was missed. */
  #failed(source, error, signal) {
    set_text(this.status, `${this.#name_of(source)}${source.stream}: ${error.message}`);
    const waits = error.status === 503;
    if (waits || !error.status) {
      setTimeout(() => {
        if (!signal.aborted) {
          waits ? this.#read(source, signal) : this.#reopen(this.#past);
        }
      }, retry_after);
    }
  }

  #name_of(source) {
    return this.#processes.length > 1 ? `${label_of(source.process)} ` : '';
  }

  #add(source, lines) {
    if (this.#waiting.length === 0 && lines.length) {
      // A hidden tab has no frames: lines wait there, and the oldest of them are dropped.
      requestAnimationFrame(() => this.#show_waiting());
    }
    const at = Date.now() - this.#opened_at < settles ? null : new Date();
    this.#waiting.push(...lines.map((pieces) => ({ source, pieces, at })));
    if (this.#waiting.length > 2 * most_lines) {
      this.#waiting.splice(0, this.#waiting.length - most_lines);
    }
  }

  #show_waiting() {
    const added = this.#waiting.slice(-most_lines);
    this.#waiting = [];
    for (const line of added) {
      line.node = element('div', { class: `line source${line.source.at % 6}` });
      this.#show_line(line);
    }
    this.text.append(...added.map((line) => line.node));
    this.#lines.push(...added);
    const surplus = this.#lines.length - most_lines * (this.#follows ? 1 : 2);
    if (surplus > 0) {
      this.#lines.splice(0, surplus).forEach((line) => line.node.remove());
    }
    if (this.#follows) {
      this.text.scrollTop = this.text.scrollHeight;
    }
    if (this.#search) {
      this.#count_matches();
    }
  }

  #show_line(line) {
    const marks_stream = this.#streams.length > 1 &&
      (line.source.stream === 'stderr' || this.#processes.length > 1);
    const name = this.#name_of(line.source) + (marks_stream ? `${line.source.stream} ` : '');
    replace(line.node,
      line.at && element('time', {}, `${line.at.toTimeString().slice(0, 8)} `),
      name && element('b', {}, name),
      marked(line.pieces, this.#search).map(({ text, look, match }) => {
        const piece = element(match ? 'mark' : 'span', { class: classes_of(look) }, text);
        set_colour(piece, 'color', look.colour);
        set_colour(piece, 'backgroundColor', look.background);
        return piece;
      }), '\n');
  }

  #set_follow(follows) {
    this.#follows = follows;
    this.follow.setAttribute('aria-pressed', follows);
    if (follows) {
      this.text.scrollTop = this.text.scrollHeight;
    }
  }

  /** Scrolling up ends following, scrolling down to the end begins it. */
  #scrolled() {
    const from_end = this.text.scrollHeight - this.text.scrollTop - this.text.clientHeight;
    const follows = from_end < 8;
    if (follows !== this.#follows) {
      this.#follows = follows;
      this.follow.setAttribute('aria-pressed', follows);
    }
  }

  #searched() {
    this.#search = this.search.value;
    this.#match = -1;
    this.#lines.forEach((line) => this.#show_line(line));
    this.#count_matches();
  }

  #count_matches() {
    const matches = this.text.querySelectorAll('mark');
    set_text(this.found, !this.#search ? ''
      : this.#match < 0 ? count_of(matches.length, 'match')
      : `${this.#match + 1} of ${matches.length}`);
    return matches;
  }

  #next_match(by) {
    const matches = this.#count_matches();
    if (matches.length) {
      const from = this.#match < 0 && by < 0 ? 0 : this.#match;
      this.#match = (from + by + matches.length) % matches.length;
      this.text.querySelector('mark.current')?.classList.remove('current');
      matches[this.#match].classList.add('current');
      this.#set_follow(false);
      matches[this.#match].scrollIntoView({ block: 'center' });
      this.#count_matches();
    }
  }

  /** The whole log, range by range, byte for byte. */
  async #download() {
    const { process, stream } = this.#sources[0];
    const path = path_of(process, `/logs/${stream}`);
    const separator = path.includes('?') ? '&' : '?';
    const parts = [];
    try {
      for (let offset = 0; offset < download_limit;) {
        const response = await this.#api.fetch('GET',
          `${path}${separator}offset=${offset}&bytes=${range}`);
        const bytes = await response.arrayBuffer();
        parts.push(bytes);
        const next = Number(response.headers.get('Log-Next-Offset'));
        if (next <= offset || next >= Number(response.headers.get('Log-Size'))) {
          break;
        }
        offset = next;
        set_text(this.status, `${Math.round(offset / 1e6)} MB …`);
      }
      save(new Blob(parts), `${process.group}-${process.name}.${stream}.log`);
      set_text(this.status, '');
    } catch (error) {
      set_text(this.status, error.message);
    }
  }
}

function save(blob, name) {
  const link = element('a', { download: name });
  link.href = URL.createObjectURL(blob);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function classes_of(look) {
  const names = [look.classes];
  if (typeof look.colour === 'number') {
    names.push(`f${look.colour}`);
  }
  if (typeof look.background === 'number') {
    names.push(`g${look.background}`);
  }
  return names.join(' ').trim() || null;
}

function set_colour(piece, property, colour) {
  if (typeof colour === 'string') {
    piece.style[property] = colour;
  }
}

/** The pieces, cut where the searched text begins and ends: it may span several. */
function marked(pieces, search) {
  if (!search) {
    return pieces;
  }
  const text = pieces.map((piece) => piece.text).join('');
  const matches = [];
  const lower = text.toLowerCase();
  const wanted = search.toLowerCase();
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, at + wanted.length)) {
    matches.push([at, at + wanted.length]);
  }
  let from = 0;
  return pieces.flatMap((piece) => {
    const begin = from;
    from += piece.text.length;
    return cut(piece, begin, matches);
  });
}

function cut(piece, begin, matches) {
  const end = begin + piece.text.length;
  const parts = [];
  let from = begin;
  const add = (to, match) => {
    if (to > from) {
      parts.push({ ...piece, text: piece.text.slice(from - begin, to - begin), match });
      from = to;
    }
  };
  for (const [first, last] of matches) {
    if (last > begin && first < end) {
      add(Math.max(first, from), false);
      add(Math.min(last, end), true);
    }
  }
  add(end, false);
  return parts;
}
