// The keyboard. A key acts only where nothing is being typed and no dialog asks something.

import { element } from './dom.js';
import { open_dialog } from './dialog.js';

const help = [
  ['/', 'filter'], ['j k', 'next and previous row'], ['x', 'select the row, or its whole group'],
  ['a', 'select all that is shown'], ['Enter', 'open the process'],
  ['r s t', 'restart, start, stop what is selected, or the row'],
  ['l', 'logs of what is selected, or of the row'], ['m', 'silence alerts'],
  ['Esc', 'close, then clear the selection'], ['?', 'this help'],
];

/** `commands`: a function for each name in the table of keys below. Until `ended`. */
export function listen(commands, ended) {
  const table = {
    '/': 'filter', j: 'down', k: 'up', ArrowDown: 'down', ArrowUp: 'up', PageDown: 'page_down',
    PageUp: 'page_up', x: 'select', ' ': 'select', a: 'select_all', Enter: 'open', r: 'restart', s: 'start',
    t: 'stop', l: 'logs', m: 'maintenance', Escape: 'escape', '?': 'help',
  };
  // Those that elsewhere mean something to the browser.
  const in_grid = new Set(['ArrowDown', 'ArrowUp', 'PageDown', 'PageUp', ' ', 'Enter']);
  document.addEventListener('keydown', (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector('dialog[open]') ||
        (target.matches('input:not([type=checkbox]), select, textarea') && key !== 'Escape') ||
        (in_grid.has(key) && target.id !== 'grid') || !Object.hasOwn(table, key)) {
      return;
    }
    event.preventDefault();
    commands[table[key]]();
  }, { signal: ended });
}

export function show_help() {
  open_dialog({ title: 'Keys', content: element('dl', { class: 'keys' }, help.map(([keys, text]) => [
    element('dt', {}, keys.split(' ').map((key) => element('kbd', {}, key))),
    element('dd', {}, text)])) });
}
