// One process in full: what it does, why nothing was done about it, what became of it, its curves
// and its log. Or the logs of several.

import { action_buttons, step_rows } from './actions.js';
import { button, drawing, element, replace, set_text } from './dom.js';
import { day_bar, transition_row } from './history.js';
import { LogView } from './logs.js';
import { id_of, label_of, path_of } from './state.js';
import { bytes, count_of, countdown, decision_text, duration, last_exit, operation_text, percent,
  seconds_until, time, with_local_times } from './words.js';
import { uptime_of } from './table.js';

const shown_decisions = 6;
const shown_operations = 5;
const most_logs = 3; // browsers have six connections for an agent, and each log takes one

export class Drawer {
  process_id = null;

  #api;
  #state;
  #node;
  #parts = null;
  #logs = null;
  #decisions = [];
  #decided = 0; // as #count_decided() was when its decisions were loaded
  #shows_all = false;
  #permission = null; // {allowed, detail}; not known yet
  #loads = 0;

  /** `commands`: ask(action, ids), reset_guards(process), set_maintenance(scope), closed(). */
  constructor(api, state, histories, node, commands) {
    this.#api = api;
    this.#state = state;
    this.histories = histories;
    this.#node = node;
    this.commands = commands;
    state.addEventListener('change', () => this.#changed());
    state.addEventListener('transition', ({ detail }) => {
      if (detail === this.process_id) {
        this.#load();
      }
    });
  }

  get is_open() {
    return !this.#node.hidden;
  }

  open(id, { logs = false } = {}) {
    const process = this.#state.processes.get(id);
    if (!process) {
      return;
    }
    if (id !== this.process_id) {
      this.#end_logs();
      this.process_id = id;
      this.#decisions = [];
      this.#decided = this.#count_decided(process);
      this.#shows_all = false;
      this.#permission = null;
      this.#make(process);
      this.#load();
      this.#load_permission(process);
    }
    this.#node.hidden = false;
    document.body.classList.add('with-drawer');
    this.#update();
    if (logs) {
      this.open_logs([id]);
    }
  }

  close() {
    this.#end_logs();
    this.process_id = null;
    this.#node.hidden = true;
    this.#node.replaceChildren();
    this.#parts = null;
    document.body.classList.remove('with-drawer', 'with-logs');
  }

  /** Of one process in its drawer; of several in a drawer of their own. */
  open_logs(ids) {
    const processes = ids.map((id) => this.#state.processes.get(id)).filter(Boolean)
      .slice(0, most_logs);
    if (!this.commands.may('logs') || processes.length === 0) {
      return;
    }
    this.#end_logs();
    const is_own = processes.length === 1 && ids[0] === this.process_id;
    if (!is_own && processes.length === 1) {
      this.open(ids[0]);
    } else if (!is_own) {
      this.#make_for_logs(processes, ids.length);
    }
    this.#logs = new LogView(this.#api, processes,
      processes.length === 1 ? ['stdout', 'stderr'] : ['stdout']);
    replace(this.#parts.log, this.#logs.node);
    document.body.classList.add('with-logs');
    this.#logs.text.focus();
  }

  #end_logs() {
    this.#logs?.close();
    this.#logs = null;
    document.body.classList.remove('with-logs');
  }

  #head(title) {
    return element('div', { class: 'head' }, element('h2', { tabindex: -1 }, title),
      button('×', { class: 'close', 'aria-label': 'Close', click: () => this.commands.closed() }));
  }

  #make_for_logs(processes, wanted) {
    this.process_id = null;
    const parts = this.#parts = { log: element('div') };
    replace(this.#node, this.#head(`Logs of ${count_of(processes.length, 'process')}`),
      element('p', { class: 'quiet' }, processes.map(label_of).join(', '),
        wanted > most_logs && ` · at most ${most_logs} are followed in one window`), parts.log);
    this.#node.hidden = false;
    document.body.classList.add('with-drawer');
  }

  #make(process) {
    const parts = this.#parts = {
      facts: element('p', { class: 'quiet' }),
      buttons: element('div', { class: 'buttons' }),
      why: element('div'),
      operations: element('div'),
      curves: element('div', { class: 'curves' }),
      history: element('div'),
      log: element('div'),
    };
    const log_button = this.commands.may('logs') &&
      button('Show log', { click: () => this.open_logs([id_of(process)]) });
    replace(parts.log, log_button);
    replace(this.#node, this.#head(label_of(process)), parts.facts, parts.buttons,
      element('h3', {}, 'Why did nothing happen?'), parts.why,
      parts.operations, parts.curves, parts.history,
      element('h3', {}, 'Log'), parts.log);
  }

  /** What is asked for when the drawer opens and when the process changes. */
  async #load() {
    const process = this.#state.processes.get(this.process_id);
    const load = ++this.#loads;
    if (!process) {
      return;
    }
    const [history, decisions] = await Promise.allSettled([this.histories.load(process),
      this.#load_decisions(process)]);
    if (load !== this.#loads || this.process_id !== id_of(process)) {
      return;
    }
    if (history.status === 'fulfilled') {
      const { day, transitions } = history.value;
      replace(this.#parts.history, element('h3', {}, 'History'), day_bar(day, this.#state.is_idle(process), 22), transitions.length
        ? element('ol', { class: 'history' }, transitions.toReversed().map(transition_row))
        : element('p', { class: 'quiet' }, 'No change since Reeve was started.'));
    }
    if (decisions.status === 'fulfilled') {
      this.#decisions = decisions.value.toReversed();
      this.#show_why();
    }
  }

  /** What was decided and done about it in the last day, the oldest first. */
  async #load_decisions(process) {
    return this.#api.get(path_of(process, '/decisions'));
  }

  /** Decisions on it that the page was told of, and actions on it that have ended. */
  #count_decided(process) {
    const ended = this.#state.operations_of(process).filter((each) => each.state === 'done');
    return this.#state.decisions_of(id_of(process)) + ended.length;
  }

  #changed() {
    if (this.process_id === null) {
      return;
    }
    const process = this.#state.processes.get(this.process_id);
    const decided = process ? this.#count_decided(process) : this.#decided;
    if (decided !== this.#decided) {
      this.#decided = decided;
      this.#load();
    }
    this.#update();
  }

  /** What changes with time as well. */
  tick() {
    if (this.process_id !== null) {
      this.#show_facts();
      this.#show_why();
    }
  }

  #update() {
    const process = this.#state.processes.get(this.process_id);
    if (!process) {
      set_text(this.#parts.facts, 'It is not there any more.');
      return;
    }
    this.#show_facts();
    this.#show_buttons(process);
    this.#show_why();
    this.#show_operations(process);
    this.#show_curves(process);
  }

  #show_facts() {
    const process = this.#state.processes.get(this.process_id);
    if (!process) {
      return;
    }
    const uptime = uptime_of(process, this.#state);
    const exit = last_exit(process);
    set_text(this.#parts.facts, [
      process.state ?? 'state not known: supervisord does not answer',
      process.pid && `pid ${process.pid}`,
      uptime !== null && `up ${duration(uptime)}`,
      process.restarts !== null && count_of(process.restarts, 'restart'),
      exit && `last ${exit}`,
      process.resources && process.pid && bytes(process.resources.resident_memory_bytes),
      process.cpu != null && process.pid && `${percent(process.cpu)} CPU`,
    ].filter(Boolean).join(' · '));
  }

  /** Whether the person may act on it: no button that would be refused. */
  async #load_permission(process) {
    if (!this.commands.may('control')) {
      return;
    }
    const permission = await this.#api.get(path_of(process, '/permission')).catch(() => null);
    if (this.process_id === id_of(process)) {
      // What passes, such as a supervisord that does not answer, takes no button away.
      const is_lasting = ['not_allowed', 'own_program'].includes(permission?.reason);
      this.#permission = is_lasting ? permission : { allowed: true };
      this.#show_buttons(this.#state.processes.get(this.process_id) ?? process);
    }
  }

  /** Made anew only if they would be others: a click must not miss. */
  #show_buttons(process) {
    if (!this.#permission) {
      return;
    }
    const { allowed, detail } = this.#permission;
    const kind = `${allowed} ${Boolean(process.pid)}`;
    if (this.#parts.buttons.dataset.kind === kind) {
      return;
    }
    this.#parts.buttons.dataset.kind = kind;
    replace(this.#parts.buttons, [
      allowed ? action_buttons(process, this.commands.ask) : element('p', { class: 'quiet' }, detail),
      button('Silence alerts…', {
        click: () => this.commands.set_maintenance(process) })]);
  }

  #show_why() {
    const process = this.#state.processes.get(this.process_id);
    if (!process) {
      return;
    }
    const shown = this.#shows_all ? this.#decisions : this.#decisions.slice(0, shown_decisions);
    const hidden = this.#decisions.length - shown.length;
    const cards = [...this.#obstacles(process), ...shown.map(decision_card)];
    if (hidden > 0) {
      cards.push(button(`${hidden} more of the last day`, { class: 'plain', click: () => {
        this.#shows_all = true;
        this.#show_why();
      } }));
    }
    const text = cards.map((card) => card.textContent).join('\n');
    if (this.#parts.why.dataset.text === text) {
      return;
    }
    const focused = this.#parts.why.contains(document.activeElement);
    this.#parts.why.dataset.text = text;
    replace(this.#parts.why, cards.length ? cards : element('p', { class: 'quiet' },
      'Nothing was asked of it in the last day, and nothing keeps alerts from acting on it.'));
    if (focused) {
      this.#parts.why.querySelector('button')?.focus();
    }
  }

  /** What keeps alerts from acting on it now. */
  #obstacles(process) {
    const cards = this.#state.windows_of(process).map((window) => card('maintenance',
      [`Alerts leave ${window.scope} alone for another `,
        element('b', {}, countdown(seconds_until(window.until))),
        ` (${window.actor})${window.reason ? `: “${window.reason}”` : '.'}`]));
    cards.push(...this.#state.slots_of(process).map((slot) => card(`slot of ${slot.limit}`, [
      `It has held one since ${time(slot.since)}`, slot.failed
        ? '. The action failed: other hosts wait until the slot is free again.' : ' while it is acted on.'],
    slot.failed ? 'bad' : '')));
    const guard = this.#state.guards.get(this.process_id);
    if (!guard) {
      return cards;
    }
    const reset = this.commands.may('control') &&
      button('Reset…', { click: () => this.commands.reset_guards(process) });
    if (guard.gave_up) {
      cards.push(card('given up', ['Restarted in vain too often: alerts leave it alone until a ' +
        'person resets it. ', reset], 'bad'));
    }
    if (guard.breaker_open) {
      cards.push(card('breaker open', ['Too many processes have alerts at once.'], 'bad'));
    }
    const left = guard.cooldown_until ? seconds_until(guard.cooldown_until) : 0;
    if (left > 0) {
      cards.push(card('cooldown', ['Left alone until ',
        element('b', {}, time(guard.cooldown_until)), ` (${countdown(left)} left). `,
        !guard.gave_up && reset]));
    }
    if (guard.budget_limit > 0 && guard.budget_used > 0) {
      cards.push(card('budget', [`${guard.budget_used} of ${guard.budget_limit} actions used` +
        (guard.budget_used >= guard.budget_limit ? ': one more, and Reeve gives it up.' : '.')]));
    }
    for (const alert of guard.pending) {
      cards.push(card(`pending: ${alert.alertname}`, [decision_text(alert.reason), ' ',
        element('span', { class: 'quiet' }, with_local_times(alert.detail)),
        ` Decided anew until ${time(alert.until)} (${countdown(seconds_until(alert.until))} left).`]));
    }
    return cards;
  }

  #show_operations(process) {
    const operations = this.#state.operations_of(process).slice(0, shown_operations);
    replace(this.#parts.operations, operations.length > 0 && [
      element('h3', {}, 'Actions'), operations.map((operation) => element('details', {
        open: operation.state !== 'done' },
      element('summary', {}, element('time', { datetime: operation.created_at },
        time(operation.created_at)), ` ${operation.action} by ${operation.actor}: `,
      operation_text(operation)),
      operation.reason && element('p', { class: 'quiet' }, `“${operation.reason}”`),
      element('ol', { class: 'steps' }, step_rows(operation))))]);
  }

  #show_curves(process) {
    const samples = this.#state.samples.get(id_of(process)) ?? [];
    const cpu = samples.filter((sample) => sample.cpu !== null);
    replace(this.#parts.curves, samples.length > 1 && [
      curve('CPU', cpu.map((sample) => [sample.at, sample.cpu]), percent),
      curve('Memory', samples.map((sample) => [sample.at, sample.memory]), bytes)]);
  }
}

function card(title, text, kind = '') {
  return element('article', { class: `card ${kind}` }, element('b', {}, title), ' — ', text);
}

/** An entry of the audit in words. */
function decision_card(entry) {
  const result = { operation: entry.result ?? '', maintenance: '', reset: 'guards reset' }[entry.kind];
  const title = entry.kind === 'decision' ? (entry.decision ?? 'decision').replaceAll('_', ' ')
    : `${entry.action ?? entry.kind} ${result}`;
  const by = [entry.rule && `rule ${entry.rule}`, entry.actor && `by ${entry.actor}`,
    entry.count > 1 && `${entry.count} times`].filter(Boolean).join(', ');
  return element('article', { class: 'card' },
    element('time', { datetime: entry.at }, time(entry.last ?? entry.at)), ' · ',
    element('b', {}, title), ' — ',
    entry.kind === 'decision' ? decision_text(entry.decision) : '', ' ',
    element('span', { class: 'quiet' }, [by, with_local_times(entry.reason ?? '')]
      .filter(Boolean).join(': ')));
}

const width = 180;
const height = 36;

/** A line from the first sample to the last; its largest value is the top. */
function curve(name, points, text) {
  if (points.length < 2) {
    return null;
  }
  const [[begin]] = points;
  const span = points.at(-1)[0] - begin || 1;
  const top = Math.max(...points.map(([, value]) => value)) || 1;
  const path = points.map(([at, value]) => `${(width * (at - begin) / span).toFixed(1)},` +
    (height - 1 - (height - 2) * value / top).toFixed(1)).join(' ');
  const label = `${name}: ${text(points.at(-1)[1])} now, at most ${text(top)} in the last ` +
    duration(span / 1000);
  return element('figure', {},
    drawing('svg', { class: 'curve', role: 'img', 'aria-label': label, width, height,
      viewBox: `0 0 ${width} ${height}` }, drawing('polyline', { points: path })),
    element('figcaption', { class: 'quiet' }, label));
}
