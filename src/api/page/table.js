// The table of processes: problems first, then groups. Only the rows in sight are elements, so that
// a thousand processes scroll as ten do. The grid has the focus, its cursor is a row
// (aria-activedescendant); the mouse reaches the checkboxes and buttons in it.

import { button, element, replace, set_text, visible } from './dom.js';
import { in_view, matcher } from './filter.js';
import { day_bar } from './history.js';
import { id_of, label_of } from './state.js';
import { bytes, duration, last_exit, percent, time, trouble } from './words.js';

const spare_rows = 6; // above and below what is seen
const columns = ['', 'Name', 'State', 'Last day', 'Up', 'Restarts', 'Last exit', 'CPU', 'Memory'];

export class Table extends EventTarget {
  selected = new Set(); // of id_of
  filter = { text: '', view: 'all' };
  can_act = false;

  #state;
  #histories;
  #items = []; // {key, kind, ...}: what the rows show, all of them
  #rows = new Map(); // by key: those in sight
  #free = { heading: [], group: [], problem: [], process: [] };
  #cursor = null; // a key
  #last_selected = null;
  #row_height = 34;

  constructor(state, histories) {
    super();
    this.#state = state;
    this.#histories = histories;
    this.body = element('div', { class: 'body', role: 'rowgroup' });
    this.head = element('div', { class: 'head row process', role: 'row', 'aria-rowindex': 1 },
      columns.map((name, at) => element('span', { class: `c${at}`, role: 'columnheader' },
        name || element('span', { class: 'unseen' }, 'Selected'))));
    this.empty = element('p', { class: 'empty', hidden: true });
    this.grid = element('div', {
      id: 'grid', role: 'grid', tabindex: 0, 'aria-label': 'Processes',
      'aria-multiselectable': 'true', 'aria-colcount': columns.length,
      scroll: () => this.#show(false),
      focus: () => this.#show_cursor(false), // under the mouse nothing may move
    }, element('div', { class: 'heads', role: 'rowgroup' }, this.head), this.body);
    new ResizeObserver(() => this.#resized()).observe(this.grid);
    histories.addEventListener('loaded', ({ detail }) => {
      this.grid.classList.toggle('no-history', histories.are_missing);
      const row = this.#rows.get(detail);
      if (row?.day) {
        this.fill_process(row, row.item);
      }
    });
  }

  /** All of it anew: what there is, or which of it is shown, may have changed. */
  update() {
    const before = this.#items;
    const anchor = this.grid.scrollTop > 0 ? this.#anchor() : null;
    this.#items = this.#make_items();
    for (const id of this.selected) {
      if (!this.#state.processes.has(id)) {
        this.selected.delete(id);
      }
    }
    this.grid.classList.toggle('no-resources', this.#state.samples.size === 0);
    this.body.style.height = `${this.#items.length * this.#row_height}px`;
    this.grid.setAttribute('aria-rowcount', this.#items.length + 1);
    if (anchor && before.length !== this.#items.length) {
      this.#restore(anchor);
    }
    this.empty.hidden = this.#items.length > 0;
    set_text(this.empty, this.#state.processes.size
      ? 'No process matches the filter.' : 'No processes are known.');
    this.#show();
  }

  /** Times that run on. */
  tick() {
    this.#show();
  }

  shown() {
    return this.#items.filter((item) => item.process).map((item) => item.key);
  }

  /** What an action is about: what is selected, else the row of the cursor. */
  targets() {
    if (this.selected.size) {
      return [...this.selected];
    }
    const item = this.#items.find((each) => each.key === this.#cursor);
    return item?.process ? [item.key] : item?.members ?? [];
  }

  move(by) {
    const movable = this.#items.filter((item) => item.kind !== 'heading');
    const at = movable.findIndex((item) => item.key === this.#cursor);
    const next = movable[Math.min(Math.max(at + by, 0), movable.length - 1)];
    if (next) {
      this.#cursor = next.key;
      this.#show_cursor();
      this.grid.focus();
    }
  }

  cursor_process() {
    return this.#state.processes.get(this.#cursor);
  }

  toggle_cursor() {
    const item = this.#items.find((each) => each.key === this.#cursor);
    if (item) {
      this.#select(item, item.process ? !this.selected.has(item.key)
                                      : !item.members.every((id) => this.selected.has(id)));
    }
  }

  clear_selection() {
    this.selected.clear();
    this.#selection_changed();
  }

  select_all_shown() {
    this.shown().forEach((id) => this.selected.add(id));
    this.#selection_changed();
  }

  // The items.

  #make_items() {
    const matches = matcher(this.filter.text);
    const groups = new Map();
    const problems = [];
    for (const process of this.#state.in_order()) {
      if (!matches(process) || !in_view(this.filter.view, process, this.#state)) {
        continue;
      }
      const item = { key: id_of(process), kind: 'process', process };
      if (this.#state.is_problem(process)) {
        problems.push({ ...item, kind: 'problem' });
      }
      const name = `${process.supervisor ?? ''}/${process.group}`;
      groups.get(name)?.push(item) ?? groups.set(name, [item]);
    }
    const items = [];
    if (problems.length) {
      items.push({ key: 'problems', kind: 'heading', text: 'Problems' }, ...problems,
        { key: 'processes', kind: 'heading', text: 'Processes' });
    }
    return this.filter.view === 'problems' ? items.slice(0, -1) : this.#add_groups(items, groups);
  }

  /** Groups with more than one member have a row; the others share one. */
  #add_groups(items, groups) {
    const singles = [];
    for (const [name, members] of groups) {
      const { process } = members[0];
      if (members.length === 1 && process.group === process.name) {
        singles.push(...members);
        continue;
      }
      items.push({ key: `group ${name}`, kind: 'group',
        text: `${process.supervisor ? `${process.supervisor}/` : ''}${process.group}`,
        members: members.map((each) => each.key) }, ...unless_problem(members, this.#state));
    }
    if (singles.length) {
      const rest = unless_problem(singles, this.#state);
      if (rest.length && items.some((item) => item.kind === 'group')) {
        items.push({ key: 'singles', kind: 'group', text: 'single programs',
          members: rest.map((each) => each.key) });
      }
      items.push(...rest);
    }
    return items;
  }

  // The rows.

  #resized() {
    this.#row_height = parseFloat(getComputedStyle(this.grid).getPropertyValue('--row')) || 34;
    this.body.style.height = `${this.#items.length * this.#row_height}px`;
    this.#show();
  }

  #anchor() {
    const at = Math.floor(this.grid.scrollTop / this.#row_height);
    return this.#items[at] &&
      { key: this.#items[at].key, rest: this.grid.scrollTop - at * this.#row_height };
  }

  /** Rows that come above do not push away what is being read. */
  #restore({ key, rest }) {
    const at = this.#items.findIndex((item) => item.key === key);
    if (at >= 0) {
      this.grid.scrollTop = at * this.#row_height + rest;
    }
  }

  /** The rows in sight; where only the place has changed (not `anew`), those that came into sight. */
  #show(anew = true) {
    const first = Math.max(0, Math.floor(this.grid.scrollTop / this.#row_height) - spare_rows);
    const last = Math.min(this.#items.length, first + 2 * spare_rows +
      Math.ceil(this.grid.clientHeight / this.#row_height));
    const wanted = new Set();
    for (let at = first; at < last; ++at) {
      wanted.add(this.#items[at].key);
    }
    for (const [key, row] of this.#rows) {
      if (!wanted.has(key)) {
        this.#release(key, row);
      }
    }
    for (let at = first; at < last; ++at) {
      const item = this.#items[at];
      if (anew || this.#rows.get(item.key)?.item !== item) {
        this.#show_row(item, at);
      }
    }
  }

  #release(key, row) {
    row.node.remove();
    this.#rows.delete(key);
    this.#free[row.kind].push(row);
  }

  #show_row(item, at) {
    let row = this.#rows.get(item.key);
    if (row && row.kind !== item.kind) {
      this.#release(item.key, row);
      row = null;
    }
    if (!row) {
      row = this.#free[item.kind].pop() ?? make_row[item.kind](this);
      this.#rows.set(item.key, row);
      this.body.append(row.node);
      row.bar = null;
    }
    row.item = item;
    row.node.id = `row-${at}`;
    row.node.setAttribute('aria-rowindex', at + 2);
    row.node.style.transform = `translateY(${at * this.#row_height}px)`;
    row.node.classList.toggle('cursor', item.key === this.#cursor);
    this[`fill_${item.kind}`](row, item);
  }

  fill_heading(row, item) {
    set_text(row.text, item.text);
  }

  fill_group(row, item) {
    const members = item.members.map((id) => this.#state.processes.get(id)).filter(Boolean);
    const running = members.filter((process) => process.state === 'RUNNING').length;
    set_text(row.text, item.text);
    set_text(row.count, `${running} of ${members.length} running`);
    const chosen = item.members.filter((id) => this.selected.has(id)).length;
    row.check.checked = chosen > 0 && chosen === item.members.length;
    row.check.indeterminate = chosen > 0 && !row.check.checked;
    row.check.setAttribute('aria-label', visible(`Select all of ${item.text}`));
    row.node.classList.toggle('selected', row.check.checked);
  }

  fill_problem(row, { process }) {
    this.#fill_start(row, process, label_of(process));
    set_text(row.trouble, trouble(process));
    row.trouble.title = row.trouble.textContent; // it may be cut
    const uptime = uptime_of(process, this.#state);
    set_text(row.since, this.#state.is_recovering(process)
      ? `up again for ${duration(uptime ?? 0)}`
      : process.stop_time ? `since ${time(process.stop_time * 1000)}` : '');
    row.act.hidden = !this.can_act;
    set_text(row.act, process.pid ? 'Restart…' : 'Start…');
    row.action = process.pid ? 'restart' : 'start';
  }

  fill_process(row, { process }) {
    const is_single = process.group === process.name; // no group's row above it names its supervisord
    this.#fill_start(row, process, is_single ? label_of(process) : process.name);
    const uptime = uptime_of(process, this.#state);
    set_text(row.up, uptime === null ? '' : duration(uptime));
    set_text(row.restarts, process.restarts ?? '');
    set_text(row.exit, last_exit(process) || '–');
    set_text(row.cpu, process.cpu == null || !process.pid ? '' : percent(process.cpu));
    set_text(row.memory, process.resources && process.pid
      ? bytes(process.resources.resident_memory_bytes) : '');
    const day = this.#histories.get(process)?.day ?? null;
    const bar = day && `${process.state} ${day.begin} ${day.up.at(-1)} ${row.item.key}`;
    if (bar !== row.bar) {
      row.bar = bar;
      replace(row.day, day && day_bar(day, this.#state.is_idle(process)));
    }
  }

  #fill_start(row, process, name) {
    const chosen = this.selected.has(id_of(process));
    row.check.checked = chosen;
    row.check.setAttribute('aria-label', visible(`Select ${label_of(process)}`));
    row.node.setAttribute('aria-selected', chosen);
    row.node.classList.toggle('selected', chosen);
    set_text(row.name, name);
    const state = process.state ?? 'NOT KNOWN';
    set_text(row.state, state);
    row.state.className = `state c2 ${state.toLowerCase()}`;
  }

  // What the person does.

  clicked(row, event) {
    if (event.target === row.check) {
      return;
    }
    this.#cursor = row.item.key;
    this.#show_cursor(false);
    if (row.item.process) {
      this.dispatchEvent(new CustomEvent('open', { detail: row.item.key }));
    }
  }

  checked(row, event) {
    const { item } = row;
    const shown = this.shown();
    const from = shown.indexOf(this.#last_selected);
    const to = shown.indexOf(item.key);
    if (event.shiftKey && item.process && from >= 0) {
      for (const id of shown.slice(Math.min(from, to), Math.max(from, to) + 1)) {
        this.#set_selected(id, row.check.checked);
      }
      this.#selection_changed();
    } else {
      this.#select(item, row.check.checked);
    }
  }

  act(row) {
    this.dispatchEvent(new CustomEvent('act', {
      detail: { action: row.action, ids: [row.item.key] } }));
  }

  #select(item, chosen) {
    (item.members ?? [item.key]).forEach((id) => this.#set_selected(id, chosen));
    this.#last_selected = item.key;
    this.#selection_changed();
  }

  #set_selected(id, chosen) {
    this.selected[chosen ? 'add' : 'delete'](id);
  }

  #selection_changed() {
    this.#show();
    this.dispatchEvent(new Event('select'));
  }

  #show_cursor(scroll = true) {
    let at = this.#items.findIndex((item) => item.key === this.#cursor);
    if (at < 0) {
      at = this.#items.findIndex((item) => item.kind !== 'heading');
      this.#cursor = this.#items[at]?.key ?? null;
    }
    if (at < 0) {
      return;
    }
    if (scroll) {
      const top = at * this.#row_height;
      const seen = this.grid.clientHeight - this.head.offsetHeight;
      const lowest = top + this.#row_height - seen;
      this.grid.scrollTop = Math.min(Math.max(this.grid.scrollTop, lowest), top);
    }
    this.#show();
    this.grid.setAttribute('aria-activedescendant', `row-${at}`);
  }
}

function unless_problem(items, state) {
  return items.filter((item) => !state.is_problem(item.process));
}

export function uptime_of(process, state) {
  const runs = process.state === 'RUNNING' || process.state === 'STOPPING';
  return runs && process.start_time ? Math.max(0, state.now_of(process) - process.start_time) : null;
}

/** An empty row of each kind, with the elements that are filled. */
const make_row = {
  heading() {
    const text = element('span', { role: 'gridcell', 'aria-colspan': columns.length });
    return { kind: 'heading', text, node: element('div', { class: 'row heading', role: 'row' }, text) };
  },

  group(table) {
    const row = { kind: 'group' };
    row.check = checkbox(table, row);
    row.text = element('b');
    row.count = element('span', { class: 'quiet' });
    row.node = element('div', { class: 'row group', role: 'row' },
      element('span', { class: 'c0', role: 'gridcell' }, row.check),
      element('span', { role: 'gridcell', 'aria-colspan': columns.length - 1 },
        row.text, ' · ', row.count));
    return row;
  },

  problem(table) {
    const row = { kind: 'problem' };
    start_row(table, row);
    row.trouble = cell('trouble');
    row.since = cell('since quiet');
    row.act = button('', { tabindex: -1, click: (event) => {
      event.stopPropagation();
      table.act(row);
    } });
    row.node.append(row.trouble, row.since, element('span', { role: 'gridcell' }, row.act));
    return row;
  },

  process(table) {
    const row = { kind: 'process' };
    start_row(table, row);
    row.day = cell('c3');
    row.up = cell('c4');
    row.restarts = cell('c5');
    row.exit = cell('c6 quiet');
    row.cpu = cell('c7');
    row.memory = cell('c8');
    row.node.append(row.day, row.up, row.restarts, row.exit, row.cpu, row.memory);
    return row;
  },
};

function cell(name) {
  return element('span', { class: name, role: 'gridcell' });
}

function checkbox(table, row) {
  return element('input', { type: 'checkbox', tabindex: -1,
    click: (event) => table.checked(row, event) });
}

function start_row(table, row) {
  row.check = checkbox(table, row);
  row.name = cell('c1 name');
  row.state = cell('state c2');
  row.node = element('div', { class: `row ${row.kind}`, role: 'row',
    click: (event) => table.clicked(row, event) },
  element('span', { class: 'c0', role: 'gridcell' }, row.check), row.name, row.state);
}
