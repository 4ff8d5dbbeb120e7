// What became of a process: its last transitions, and the last day in quarter hours. Asked for one
// process at a time, and only of those that are seen.

import { drawing, element } from './dom.js';
import { id_of, path_of } from './state.js';
import { duration, exit_text, percent, time } from './words.js';

const at_once = 2;
const rest = 100; // milliseconds: rows that are scrolled past are not asked for
const fresh_for = 900_000; // milliseconds: a quarter hour has a bar
const pause_after_transition = 20_000;

export class Histories extends EventTarget {
  #api;
  #known = new Map(); // by id_of: {day, transitions, until}
  #queue = [];
  #running = 0;
  #timer = null;

  /** This agent keeps no history. */
  are_missing = false;

  /** `ended` is the signal after which nothing is asked for. */
  constructor(api, state, ended) {
    super();
    this.#api = api;
    this.ended = ended;
    state.addEventListener('transition', ({ detail }) => {
      const known = this.#known.get(detail);
      if (known) {
        known.until = Math.min(known.until, Date.now() + pause_after_transition);
      }
    });
  }

  /** What is known of it, perhaps nothing; asks for it if that is old. */
  get(process) {
    const known = this.#known.get(id_of(process));
    if (this.are_missing) {
      return null;
    }
    if ((!known || known.until < Date.now()) && !document.hidden) {
      this.#known.set(id_of(process), { ...known, until: Date.now() + fresh_for });
      this.#queue.push(process);
      this.#timer ??= setTimeout(() => {
        this.#timer = null;
        for (let at = 0; at < at_once; ++at) {
          this.#next();
        }
      }, rest);
    }
    return known?.day ? known : null;
  }

  /** As it is now. */
  async load(process) {
    const answer = await this.#api.get(path_of(process, '/history')).catch((problem) => {
      this.are_missing ||= problem.word === 'no_such_route';
      throw problem;
    });
    this.#known.set(id_of(process), { ...answer, until: Date.now() + fresh_for });
    return answer;
  }

  async #next() {
    if (this.#running >= at_once || this.#queue.length === 0 || this.ended.aborted) {
      return;
    }
    if (document.hidden) { // those that wait are asked for again when the tab is seen
      this.#queue.splice(0).forEach((each) => {
        this.#known.get(id_of(each)).until = 0;
      });
      return;
    }
    ++this.#running;
    const process = this.#queue.pop(); // what came into sight last
    this.#queue.length = Math.min(this.#queue.length, 60);
    await this.load(process).catch(() => {}); // gone, or not for us: its bar stays empty
    this.dispatchEvent(new CustomEvent('loaded', { detail: id_of(process) }));
    --this.#running;
    this.#next();
  }
}

const slot_width = 2;
// Of the whole height: less is less of it up, also for those who do not see colours.
const share_of_height = { up: 1, partly: 0.8, down: 0.55, idle: 0.3, unknown: 0.12 };

function kind_of(share, is_idle) {
  if (share === null) {
    return 'unknown';
  }
  return share >= 0.999 ? 'up' : share > 0 ? 'partly' : is_idle ? 'idle' : 'down';
}

/**
 * The day as a bar, and in words for those who do not see it. `is_idle`: it does not run, and is not
 * meant to, so that it was down is no fault.
 */
export function day_bar(day, is_idle, height = 14) {
  const paths = { up: '', partly: '', down: '', idle: '', unknown: '' };
  day.up.forEach((share, slot) => {
    const kind = kind_of(share, is_idle);
    const top = Math.round(height * (1 - share_of_height[kind]));
    paths[kind] += `M${slot * slot_width + 0.75} ${top}V${height}`;
  });
  const text = day_text(day);
  const title = drawing('title', {});
  title.textContent = text;
  const width = day.up.length * slot_width;
  return drawing('svg', { class: 'day', role: 'img', 'aria-label': text, width, height,
    viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none' },
  title, ...Object.entries(paths).map(([kind, d]) => drawing('path', { class: kind, d })));
}

function day_text(day) {
  const known = day.up.filter((share) => share !== null);
  if (known.length === 0) {
    return 'not watched in the last day';
  }
  const share = known.reduce((sum, each) => sum + each, 0) / known.length;
  return `up ${percent(share)} of ${known.length === day.up.length ? 'the last day'
    : `the last ${duration(known.length * day.slot_seconds)}`}`;
}

function who(transition) {
  if (transition.cause === 'operation') {
    return `by ${transition.actor ?? 'someone'}${transition.source === 'alert' ? ' (alert)' : ''}` +
      (transition.reason ? `: “${transition.reason}”` : '');
  }
  return transition.cause === 'supervisord' ? 'by supervisord' : '';
}

/** One line: when, which state, how the run ended, who did it. */
export function transition_row(transition) {
  const ended = ['EXITED', 'BACKOFF', 'FATAL', 'STOPPED'].includes(transition.to);
  // Polls may see a new run alone: how the run before ended belongs to it.
  const exit = exit_text(transition);
  const facts = [
    transition.pid && !ended ? `pid ${transition.pid}` : '',
    exit && !ended ? `before it ${exit}` : exit,
    exit && transition.expected === false ? 'unexpected' : '',
    who(transition),
  ];
  return element('li', {},
    element('time', { datetime: transition.at }, time(transition.at)), ' ',
    element('span', { class: `state ${(transition.to ?? 'unknown').toLowerCase()}` },
      (transition.to ?? 'not known').toLowerCase()), ' ',
    element('span', { class: 'quiet' }, facts.filter(Boolean).join(' · ')));
}
