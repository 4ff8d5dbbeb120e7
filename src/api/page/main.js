// Puts the page together: signs in, makes the views, and connects them to the state and the keys.

import { Actions } from './actions.js';
import { Api } from './api.js';
import { Cluster } from './cluster.js';
import { Configuration } from './configuration.js';
import { button, element, replace, set_text } from './dom.js';
import { Drawer } from './drawer.js';
import { from_address, in_view, to_address, views } from './filter.js';
import { Histories } from './history.js';
import { listen, show_help } from './keys.js';
import { Maintenance } from './maintenance.js';
import { resume, sign_in, sign_out } from './sign_in.js';
import { State } from './state.js';
import { Table } from './table.js';
import { count_of, duration, time } from './words.js';

const place = (id) => document.getElementById(id);
const tick_interval = 1000;

class Page {
  #session;
  #api;
  #state;
  #table;
  #drawer;
  #actions;
  #maintenance;
  #configuration;
  #cluster;
  #address = from_address();
  #ended = new AbortController();

  constructor(api, session) {
    this.#api = api;
    this.#session = session;
    this.#state = new State(api);
    const histories = new Histories(api, this.#state, this.#ended.signal);
    this.#table = new Table(this.#state, histories);
    this.#actions = new Actions(api, this.#state, place('progress'));
    this.#maintenance = new Maintenance(api, this.#state, place('banners'),
      (scope) => this.#may(scope));
    this.#configuration = new Configuration(api, this.#state, this.#actions);
    this.#cluster = new Cluster(api, this.#state, place('cluster'), (scope) => this.#may(scope));
    this.#drawer = new Drawer(api, this.#state, histories, place('drawer'), {
      ask: (action, ids) => this.#actions.ask(action, ids),
      may: (scope) => this.#may(scope),
      reset_guards: (process) => this.#maintenance.reset_guards(process),
      set_maintenance: (process) => this.#maintenance.set(process),
      closed: () => this.#close_drawer(),
    });
    this.#table.can_act = this.#may('control');
    this.#make();
    this.#connect();
    this.#state.start();
  }

  stop() {
    this.#ended.abort();
    this.#state.end();
    document.querySelectorAll('dialog').forEach((dialog) => dialog.close());
    this.#drawer.close();
    clearInterval(this.ticks);
    document.body.classList.remove('disconnected');
    ['menu', 'banners', 'cluster', 'counts', 'live', 'progress'].forEach((id) => replace(place(id)));
    document.title = 'Reeve';
  }

  #may(scope) {
    return this.#session.scopes.includes(scope);
  }

  #make() {
    this.filter = element('input', { type: 'search', id: 'filter', 'aria-label':
      'Filter by name, group, state or supervisor', placeholder: 'Filter by name, group, state  /',
    autocomplete: 'off', spellcheck: 'false', input: () => this.#filter_changed(),
    keydown: (event) => event.key === 'Enter' && this.#table.grid.focus() });
    this.views = views.map((view) => button(view, { click: () => this.#choose_view(view) }));
    this.selection = element('div', { class: 'selection', role: 'region',
      'aria-label': 'What is selected', hidden: true });
    replace(place('content'),
      element('div', { class: 'controls', role: 'search' }, this.filter, this.views),
      this.#table.grid, this.#table.empty, this.selection);
    replace(place('menu'),
      this.#may('control') && [
        button('Update…', { title: 'What supervisord’s changed files would change',
          click: () => this.#configuration.ask() }),
        button('Silence alerts…', { click: () => this.#maintenance.set() })],
      button(this.#session.name, { title: 'Sign out', 'aria-label':
        `Sign out ${this.#session.name}`, click: () => sign_out(this.#api) }),
      button('?', { 'aria-label': 'Keys', click: show_help }));
    set_text(place('host'), location.hostname);
    this.filter.value = this.#address.text;
    this.#show_view();
  }

  #connect() {
    this.#state.addEventListener('change', ({ detail }) => this.#changed(detail));
    this.#state.addEventListener('title', () => this.#show_counts());
    this.#table.addEventListener('open', ({ detail }) => this.#open(detail));
    this.#table.addEventListener('act', ({ detail }) =>
      this.#actions.ask(detail.action, detail.ids));
    this.#table.addEventListener('select', () => this.#show_selection());
    const { signal } = this.#ended;
    window.addEventListener('popstate', () => this.#address_changed(), { signal });
    this.ticks = setInterval(() => this.#tick(), tick_interval);
    const act = (action) => () => this.#may('control') &&
      this.#actions.ask(action, this.#table.targets());
    listen({
      filter: () => this.filter.select(),
      down: () => this.#table.move(1),
      up: () => this.#table.move(-1),
      page_down: () => this.#table.move(20),
      page_up: () => this.#table.move(-20),
      select: () => this.#table.toggle_cursor(),
      select_all: () => this.#table.select_all_shown(),
      open: () => this.#open(this.#table.targets()[0]),
      restart: act('restart'),
      start: act('start'),
      stop: act('stop'),
      logs: () => this.#drawer.open_logs(this.#table.targets()),
      maintenance: () => this.#may('control') &&
        this.#maintenance.set(this.#table.cursor_process()),
      escape: () => this.#escape(),
      help: show_help,
    }, signal);
  }

  #changed(changes) {
    if (changes.has('processes') || changes.has('supervisors')) {
      this.#table.update();
      this.#show_counts();
      this.#show_selection();
    }
    if (changes.has('windows')) {
      this.#maintenance.show();
    }
    if (changes.has('cluster')) {
      this.#cluster.show();
    }
    this.#show_connection();
    if (this.#state.loaded && this.#address.process && !this.#drawer.is_open) {
      this.#drawer.open(this.#address.process);
    }
  }

  #tick() {
    if (!document.hidden) {
      this.#table.tick();
      this.#drawer.tick();
      this.#maintenance.show();
      this.#show_connection();
    }
  }

  // The bar.

  #show_counts() {
    const counts = { all: 0, problems: 0, running: 0, stopped: 0 };
    for (const process of this.#state.processes.values()) {
      views.forEach((view) => counts[view] += in_view(view, process, this.#state) ? 1 : 0);
    }
    this.views.forEach((each, at) => set_text(each, `${views[at]} ${counts[views[at]]}`));
    const silent = this.#state.supervisors.filter((each) => !each.up);
    replace(place('counts'), [
      [counts.problems, counts.problems === 1 ? 'problem' : 'problems'],
      [counts.running, 'running'], [counts.stopped, 'stopped'],
    ].map(([number, word]) => element('span', {}, element('b', {}, number), ` ${word}`)),
    silent.map((each) => element('span', { class: 'problem' },
      `supervisord ${each.name ?? ''} does not answer`)),
    this.#state.supervisors.length === 1 && this.#state.supervisors[0].version &&
      element('span', { class: 'quiet' }, `supervisord ${this.#state.supervisors[0].version}`));
    document.title = `${counts.problems ? `(${counts.problems}) ` : ''}` +
      `${location.hostname} · ${counts.running} running · Reeve`;
  }

  #show_connection() {
    const { disconnected_since, loaded } = this.#state;
    document.body.classList.toggle('disconnected', disconnected_since !== null);
    if (disconnected_since !== null) {
      set_text(place('live'), `disconnected since ${time(disconnected_since)}`);
    } else if (this.#state.suspended) {
      set_text(place('live'), 'paused');
    } else if (loaded) {
      const age = this.#state.age();
      // The second is no news to a screen reader.
      place('live').setAttribute('aria-live', 'off');
      set_text(place('live'), age === null ? 'live' : `live · ${duration(age / 1000)} old`);
    }
  }

  // The filter and the address.

  #filter_changed() {
    this.#address.text = this.filter.value;
    this.#show_view();
  }

  #choose_view(view) {
    this.#address.view = view;
    this.#show_view();
  }

  #show_view(is_step = false) {
    const { text, view } = this.#address;
    this.views.forEach((each, at) => each.setAttribute('aria-pressed', views[at] === view));
    this.#table.filter = { text, view };
    this.#table.update();
    to_address(this.#address, is_step);
  }

  /** Somebody went back, or followed a link. */
  #address_changed() {
    this.#address = from_address();
    this.filter.value = this.#address.text;
    this.#show_view();
    if (this.#address.process) {
      this.#drawer.open(this.#address.process);
    } else {
      this.#drawer.close();
    }
  }

  // The drawer and the selection.

  #open(id) {
    if (id) {
      this.#address.process = id;
      to_address(this.#address, true);
      this.#drawer.open(id);
    }
  }

  #close_drawer() {
    this.#drawer.close();
    this.#address.process = null;
    to_address(this.#address);
    this.#table.grid.focus();
  }

  #escape() {
    if (document.activeElement === this.filter) {
      this.#table.grid.focus();
    } else if (this.#drawer.is_open) {
      this.#close_drawer();
    } else {
      this.#table.clear_selection();
    }
  }

  #show_selection() {
    const ids = [...this.#table.selected];
    this.selection.hidden = ids.length === 0;
    if (this.selection.dataset.ids === ids.join('\n')) {
      return;
    }
    this.selection.dataset.ids = ids.join('\n');
    const ask = (action) => () => this.#actions.ask(action, ids);
    replace(this.selection, element('b', {}, `${ids.length} selected`),
      element('span', { class: 'quiet names' },
        ids.map((id) => id.slice(id.indexOf('/') + 1)).join(', ')),
      this.#may('logs') && button('Logs', { click: () => this.#drawer.open_logs(ids) }),
      this.#may('control') && [
        button('Start…', { click: ask('start') }), button('Stop…', { click: ask('stop') }),
        button(`Restart ${count_of(ids.length, 'process')}…`, { class: 'main',
          click: ask('restart') })],
      button('Clear', { class: 'plain', click: () => this.#table.clear_selection() }));
  }
}

async function begin() {
  const api = new Api();
  let page = null;
  let session = await resume(api).catch(() => null);
  for (let message = ''; ; message = 'The session has ended: sign in again.') {
    session ??= await sign_in(api, place('content'), message);
    const ended = new Promise((resolve) => {
      api.on_unknown = resolve;
    });
    page = new Page(api, session);
    await ended;
    page.stop();
    session = null;
  }
}

begin();
