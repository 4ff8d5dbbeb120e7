// Which processes are shown: the text of the filter, and one of four views. Both are kept in the
// fragment of the URL: a copied URL opens the same view, and browsers do not send it to the agent.

import { label_of } from './state.js';

export const views = ['all', 'problems', 'running', 'stopped'];

const fields = {
  state: (process) => process.state ?? 'unknown',
  group: (process) => process.group,
  name: (process) => process.name,
  host: (process) => process.supervisor ?? '',
  supervisor: (process) => process.supervisor ?? '',
};

/** `web state:fatal`: each word must be in the process, or in the field that it names. */
export function matcher(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return (process) => words.every((word) => {
    const [, field, value] = word.match(/^(\w+):(.*)$/) ?? [];
    if (field in fields) {
      return fields[field](process).toLowerCase().includes(value);
    }
    return label_of(process).toLowerCase().includes(word) ||
      fields.state(process).toLowerCase().includes(word);
  });
}

export function in_view(view, process, state) {
  switch (view) {
    case 'problems':
      return state.is_problem(process);
    case 'running':
      return process.state === 'RUNNING' || process.state === 'STARTING';
    case 'stopped':
      return ['STOPPED', 'EXITED', 'STOPPING'].includes(process.state);
    default:
      return true;
  }
}

/** What the address says: {text, view, process}. */
export function from_address() {
  const given = new URLSearchParams(location.hash.slice(1));
  const view = given.get('view');
  return {
    text: given.get('filter') ?? '',
    view: views.includes(view) ? view : 'all',
    process: given.get('process'),
  };
}

/** `is_step`: the browser's Back undoes it. */
export function to_address({ text, view, process }, is_step = false) {
  const given = new URLSearchParams();
  if (text) {
    given.set('filter', text);
  }
  if (view !== 'all') {
    given.set('view', view);
  }
  if (process) {
    given.set('process', process);
  }
  const hash = given.size ? `#${given}` : '';
  if (hash !== location.hash) {
    history[is_step ? 'pushState' : 'replaceState'](null, '', hash || location.pathname);
  }
}
