// Start, stop, restart and signal: asked with what is meant and why, sent once, and shown step by
// step until the agent has verified the outcome. Nothing here guesses that something is done.

import { new_key } from './api.js';
import { announce, button, copy, element, replace, set_text } from './dom.js';
import { field, open_dialog } from './dialog.js';
import { id_of, label_of, name_of, path_of, supervisor_query } from './state.js';
import { count_of, duration, operation_seconds, operation_text, step_text } from './words.js';
import { uptime_of } from './table.js';

const verbs = { start: 'Start', stop: 'Stop', restart: 'Restart', signal: 'Signal' };
const signals = ['HUP', 'INT', 'USR1', 'USR2', 'QUIT', 'TERM', 'KILL'];
const success_stays = 30_000; // milliseconds; what failed stays until it is closed
const most_cards = 6;
const largest_batch = 500; // processes that the API takes at once

export class Actions {
  #api;
  #state;
  #panel;
  #cards = [];

  constructor(api, state, panel) {
    this.#api = api;
    this.#state = state;
    this.#panel = panel;
    state.addEventListener('change', ({ detail }) => {
      if (detail.has('operations')) {
        this.#cards.forEach((card) => this.#update(card));
      }
    });
  }

  /** Asks whether this is meant. */
  ask(action, ids) {
    const processes = ids.map((id) => this.#state.processes.get(id)).filter(Boolean);
    if (processes.length === 0) {
      return;
    }
    const key = new_key(); // of this question: sent twice it is one operation
    const form = new ActionForm(action, processes, this.#state);
    open_dialog({
      title: `${verbs[action]} ${what(form.processes)}?`,
      content: form.content,
      label: `${verbs[action]}${processes.length > 1 ? ` ${processes.length}` : ''}`,
      more: [copy_button('Copy as reeve', () => as_reeve(form)),
        copy_button('Copy as curl', () => as_curl(requests_of(form)))],
      submit: () => this.#begin(form, key),
    });
  }

  async #begin(form, key) {
    const requests = requests_of(form);
    const answers = await Promise.allSettled(requests.map((request, at) =>
      this.#api.send('POST', request.path, request.body, { key: `${key}-${at}` })));
    const refused = answers.filter((answer) => answer.status === 'rejected');
    if (refused.length === answers.length) {
      throw refused[0].reason;
    }
    const operations = answers.filter((answer) => answer.status === 'fulfilled')
      .map((answer) => answer.value);
    this.follow(`${verbs[form.action]} ${what(form.processes)}`, operations,
      { targets: form.processes, problems: refused.map((answer) => answer.reason.message) });
  }

  /**
   * Shows what becomes of them. `targets` is what they are on together, also before its turn: a
   * process each, or a group (without `name`).
   */
  follow(title, operations, { targets = [], problems = [] } = {}) {
    operations.forEach((operation) => this.#state.put_operation(operation));
    const card = {
      operations: operations.map((operation) => operation.id),
      first: operations[0], targets, problems, done: false,
      status: element('p', { class: 'status' }),
      list: element('ol', { class: 'steps' }),
    };
    card.node = element('article', { 'aria-label': title },
      element('h3', {}, title), button('×', { class: 'close', 'aria-label': 'Close',
        click: () => this.#remove(card) }), card.status, card.list);
    card.title = title;
    this.#cards.push(card);
    this.#panel.append(card.node);
    this.#panel.hidden = false;
    const done = this.#cards.filter((each) => each.done);
    done.slice(0, Math.max(0, this.#cards.length - most_cards)).forEach((each) => this.#remove(each));
    this.#update(card);
  }

  #remove(card) {
    card.node.remove();
    this.#cards = this.#cards.filter((each) => each !== card);
    this.#panel.hidden = this.#cards.length === 0;
  }

  #update(card) {
    if (card.done) {
      return;
    }
    const known = card.operations.map((id) => this.#state.operations.get(id)).filter(Boolean);
    const operations = known.length ? known : [card.first];
    const whole = operations[0];
    const is_one = operations.length === 1 && whole.name !== null;
    const members = operations.flatMap((each) => each.name === null ? this.#members_of(each) : [each]);
    card.done = operations.every((each) => each.state === 'done');
    const good = operations.every((each) => each.result === 'succeeded') &&
      card.problems.length === 0;
    const ended = members.filter((each) => each.state === 'done').length;
    const outcome = operations.length === 1 && (is_one || card.done) ? operation_text(whole)
      : `${ended} of ${Math.max(card.targets.length, members.length)} done`;
    const seconds = card.done ? Math.max(...operations.map(operation_seconds)) : null;
    set_text(card.status, card.done ? `${outcome} (${seconds.toFixed(1)} s)` : `${outcome} …`);
    card.node.className = !card.done ? 'running' : good ? 'good' : 'bad';
    replace(card.list, is_one ? step_rows(whole)
      : [members.map(member_row), this.#rest_rows(card, members), failed_as_a_whole(operations)],
      card.problems.map((problem) => element('li', { class: 'problem' }, problem)));
    if (card.done) {
      announce(`${card.title}: ${outcome}`);
      if (good) {
        setTimeout(() => this.#remove(card), success_stays);
      }
    }
  }

  /** What has not had its turn, or never had it. */
  #rest_rows(card, members) {
    const begun = new Set(members.map(id_of));
    return card.targets.filter((target) => !begun.has(id_of(target))).map((target) => element('li',
      { class: 'quiet' }, label_of(target), card.done ? ' left as it was' : ' waits for its turn'));
  }

  #members_of(operation) {
    return operation.members.map((id) => this.#state.operations.get(id)).filter(Boolean);
  }
}

function member_row(member) {
  return element('li', {
    class: member.state !== 'done' ? 'running' : member.result === 'succeeded' ? 'good' : 'bad',
  }, element('b', {}, label_of(member)), ' ',
  [operation_text(member), end_of(member)].filter(Boolean).join(' · '));
}

/** Why an operation with members ended before all had their turn. */
function failed_as_a_whole(operations) {
  return operations.filter((each) => each.name === null && each.state === 'done' &&
    each.result !== 'succeeded').map((each) => element('li', { class: 'bad' }, last_detail(each)));
}

/** The steps of one operation, with the time from its beginning. */
export function step_rows(operation) {
  const begun = Date.parse(operation.created_at);
  const rows = operation.steps.filter((step) => step.step !== 'finished').map((step) =>
    element('li', {}, element('time', { datetime: step.at },
      `${((Date.parse(step.at) - begun) / 1000).toFixed(1)} s`), ' ', step_text(step.step), ' ',
    element('span', { class: 'quiet' }, step.detail)));
  const end = operation.state === 'done' && end_of(operation);
  return end ? [...rows, element('li', {}, end)] : rows;
}

/** What came of it: the new run, or why not. */
function end_of(operation) {
  if (operation.state !== 'done') {
    return '';
  }
  if (operation.result !== 'succeeded') {
    return last_detail(operation);
  }
  const after = operation.incarnation_after;
  return after && after !== operation.incarnation_before && operation.action !== 'stop'
    ? `new pid ${after.split(':')[0]}` : '';
}

function last_detail(operation) {
  return operation.fault_string ?? operation.steps.at(-1)?.detail ?? '';
}

function what(processes) {
  return processes.length === 1 ? label_of(processes[0])
    : whole_group(processes)?.label ?? count_of(processes.length, 'process');
}

/** The group, if it is of more than one process and these are all of it. */
function whole_group(processes) {
  const { supervisor, group, group_size } = processes[0];
  const is_one = processes.every((each) => each.supervisor === supervisor && each.group === group);
  return is_one && processes.length > 1 && group_size === processes.length
    ? { supervisor, group, label: `all of ${label_of({ supervisor, group })}` } : null;
}

class ActionForm {
  constructor(action, processes, state) {
    this.action = action;
    this.processes = processes.map((process) => ({ ...process, group_size:
      [...state.processes.values()].filter((each) =>
        each.supervisor === process.supervisor && each.group === process.group).length }));
    this.reason = element('input', { maxlength: 1000, autocomplete: 'off',
      placeholder: 'for the record' });
    this.rolling = element('input', { type: 'checkbox' });
    this.rolling.checked = true;
    this.signal = element('select', {}, signals.map((name) => element('option', {}, name)));
    const silent = new Set(processes.map((each) => state.supervisor_of(each))
      .filter((each) => each && !each.up));
    this.content = element('div', {},
      element('ul', { class: 'meant', tabindex: processes.length > 6 ? 0 : null,
        'aria-label': 'What is meant' }, processes.map((process) => {
        const uptime = uptime_of(process, state);
        return element('li', {}, element('b', {}, label_of(process)), ' ',
          element('span', { class: 'quiet' }, (process.state ?? 'not known').toLowerCase(),
            process.pid ? `, pid ${process.pid}` : '',
            uptime === null ? '' : `, up ${duration(uptime)}`));
      })),
      silent.size > 0 && element('p', { class: 'problem' },
        'supervisord does not answer at the moment.'),
      action === 'signal' && field('Signal', this.signal),
      field('Reason', this.reason),
      processes.length > 1 && action !== 'signal' && element('label', { class: 'check' },
        this.rolling, ' One by one: each is verified before the next, the first that fails ends it'));
  }

  /** What goes with each request. */
  body() {
    return {
      ...(this.action === 'signal' && { signal: this.signal.value }),
      ...(this.reason.value.trim() && { reason: this.reason.value.trim() }),
    };
  }
}

/** {path, body} of each request: one where the API has one for it. */
function requests_of(form) {
  const { action, processes } = form;
  const group = action !== 'signal' && whole_group(processes);
  if (group) {
    return [{
      path: `/api/v1/groups/${encodeURIComponent(group.group)}/${action}${supervisor_query(group)}`,
      body: { ...form.body(), rolling: form.rolling.checked },
    }];
  }
  if (processes.length > largest_batch && action !== 'signal') {
    throw new Error(`At most ${largest_batch} at once: select fewer, or whole groups.`);
  }
  if (processes.length > 1 && action !== 'signal') {
    return [{
      path: '/api/v1/actions',
      body: { action, processes: processes.map(name_of), ...form.body(),
        rolling: form.rolling.checked },
    }];
  }
  return processes.map((process) => ({
    path: path_of(process, `/${action}`),
    // The run that the person saw: another tab, or supervisord, may have been quicker.
    body: { ...form.body(), ...(process.pid && action !== 'start' &&
      { if_incarnation: `${process.pid}:${process.start_time}` }) },
  }));
}

function quoted(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function as_reeve(form) {
  const group = form.action !== 'signal' && whole_group(form.processes);
  const names = group ? [label_of(group)] : form.processes.map(label_of);
  const signal = form.action === 'signal' ? [form.signal.value] : [];
  const { reason } = form.body();
  // One by one over one host is what `fleet` does over many.
  const is_rolling = form.processes.length > 1 && !signal.length && form.rolling.checked;
  return ['reeve', ...(is_rolling ? ['fleet'] : []), form.action, ...signal, ...names,
    is_rolling ? '--agents' : '--agent', location.origin, ...(reason ? ['--reason', reason] : []),
  ].map(quoted).join(' ');
}

function as_curl(requests) {
  return requests.map(({ path, body }) => ['curl', '-X', 'POST',
    '-H', '"Authorization: Bearer $(cat TOKEN_FILE)"',
    '-H', "'Content-Type: application/json'", '-d', quoted(JSON.stringify(body)),
    quoted(location.origin + path)].join(' ')).join('\n');
}

function copy_button(label, text) {
  const made = button(label, { class: 'plain', click: async () => {
    await copy(text());
    set_text(made, 'Copied');
  } });
  return made;
}

/** For the drawer: the buttons of one process. */
export function action_buttons(process, ask) {
  const actions = process.pid ? ['restart', 'stop', 'signal'] : ['start'];
  return actions.map((action, at) => button(`${verbs[action]}…`, {
    class: at === 0 ? 'main' : '', click: () => ask(action, [id_of(process)]) }));
}
