// What keeps alerts from acting: windows of maintenance, set, seen and ended; guards, reset.

import { button, element, replace } from './dom.js';
import { field, open_dialog } from './dialog.js';
import { label_of, supervisor_query } from './state.js';
import { countdown, seconds_until } from './words.js';

const lengths = [['30m', '30 minutes'], ['1h', '1 hour'], ['4h', '4 hours'], ['12h', '12 hours'],
  ['24h', '1 day'], ['168h', '1 week']];

export class Maintenance {
  #api;
  #state;
  #place;
  #shown = '';

  constructor(api, state, place, may) {
    this.#api = api;
    this.#state = state;
    this.#place = place;
    this.may = may;
  }

  /** A banner for each window; called every second. */
  show() {
    const windows = this.#state.windows.filter((each) => seconds_until(each.until) > 0);
    const names = JSON.stringify(windows.map((each) => [each.scope, each.until]));
    if (names !== this.#shown) {
      this.#shown = names;
      replace(this.#place, windows.map((window) => this.#banner(window)));
    }
    windows.forEach((window, at) => replace(this.#place.children[at].querySelector('.left'),
      countdown(seconds_until(window.until))));
  }

  #banner(window) {
    return element('p', { class: 'banner' }, element('span', { 'aria-hidden': 'true' }, '◆ '),
      window.scope === '*' ? 'Alerts act on nothing' : ['Alerts leave ', element('b', {}, window.scope), ' alone'],
      window.fleet ? ' on all hosts' : '', ' for another ', element('span', { class: 'left' }),
      window.reason && `: “${window.reason}”`, ` (${window.actor}) `,
      this.may('control') && button('End now…', { class: 'plain', click: () => this.#end(window) }));
  }

  #end(window) {
    open_dialog({
      title: `End the maintenance of ${window.scope}${window.fleet ? ' on all hosts' : ''}?`,
      content: element('p', {}, 'Alerts act on it again.'),
      label: 'End it',
      submit: async () => {
        await this.#api.send('DELETE', scope_path(window.scope, window.fleet));
        await this.#state.load_windows();
      },
    });
  }

  /** For a process, or without one for everything. */
  set(process = null) {
    const choices = this.#scopes(process);
    const scope = element('select', {}, choices.map(([value, text]) =>
      element('option', { value }, text)));
    const length = element('select', {}, lengths.map(([value, text]) =>
      element('option', { value, selected: value === '1h' }, text)));
    const reason = element('input', { maxlength: 1000, autocomplete: 'off',
      placeholder: 'for the record' });
    open_dialog({
      title: 'Silence alerts',
      content: element('div', {},
        element('p', { class: 'quiet' }, 'Alerts do not act meanwhile. People still may.'),
        field('Of', scope), field('For', length), field('Reason', reason)),
      label: 'Silence',
      submit: async () => {
        await this.#api.send('PUT', scope_path(scope.value), { ttl: length.value,
          ...(reason.value.trim() && { reason: reason.value.trim() }) });
        await this.#state.load_windows();
      },
    });
  }

  /** [scope, text]: the nearest first. */
  #scopes(process) {
    const several = this.#state.supervisors.length > 1;
    const scoped = (supervisor, rest) => (several ? `${supervisor ?? ''}/${rest}` : rest);
    const choices = [];
    if (process) {
      choices.push([scoped(process.supervisor, `${process.group}:${process.name}`),
        label_of(process)]);
      if (process.group !== process.name) {
        choices.push([scoped(process.supervisor, `${process.group}:*`),
          `all of ${label_of({ ...process, name: null })}`]);
      }
    } else {
      const groups = new Map([...this.#state.processes.values()].map((each) =>
        [scoped(each.supervisor, `${each.group}:*`), label_of({ ...each, name: null })]));
      choices.push(['*', 'everything'], ...groups);
    }
    if (several) {
      this.#state.supervisors.forEach((each) =>
        choices.push([`${each.name}/*`, `everything of ${each.name}`]));
    }
    return process ? [...choices, ['*', 'everything']] : choices;
  }

  reset_guards(process) {
    open_dialog({
      title: `Let alerts act on ${label_of(process)} again?`,
      content: element('p', {}, 'Its cooldown, its budget and the latch are cleared.'),
      label: 'Reset',
      submit: async () => {
        const name = encodeURIComponent(`${process.group}:${process.name}`);
        await this.#api.send('POST',
          `/api/v1/guards/${name}/reset${supervisor_query(process)}`);
        await this.#state.load_guards();
      },
    });
  }
}

function scope_path(scope, on_all_hosts = false) {
  return `/api/v1/${on_all_hosts ? 'fleet/' : ''}maintenance/${encodeURIComponent(scope)}`;
}
