// A question that must be answered before anything else: a modal dialog with a form. The browser
// keeps the focus in it, and Escape closes it.

import { button, element, set_text } from './dom.js';

/**
 * Opens it. `submit` may be asynchronous: the dialog closes when it is done; what it throws is
 * shown, and the person may try again. Without `submit` there is nothing but Close. `ready` is a
 * promise: whether there is something to confirm, and until then there is not.
 */
export function open_dialog({ title, content, submit, label, more = [], ready = null }) {
  const problem = element('p', { class: 'problem', role: 'alert', hidden: true });
  const confirm = submit && element('button', { type: 'submit', class: 'main' }, label);
  const dialog = element('dialog', { 'aria-labelledby': 'dialog-title' });
  const close = () => dialog.close();
  const form = element('form', { submit: async (event) => {
    event.preventDefault();
    if (!submit || confirm.disabled) {
      close();
      return;
    }
    confirm.disabled = true;
    problem.hidden = true;
    try {
      await submit();
      close();
    } catch (error) {
      problem.hidden = false;
      set_text(problem, error.message);
    }
    confirm.disabled = false;
  } },
  element('h2', { id: 'dialog-title' }, title), content, problem,
  element('div', { class: 'buttons' }, more, element('span', { class: 'space' }),
    button(submit ? 'Cancel' : 'Close', { click: close }), confirm));
  dialog.append(form);
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  if (ready) {
    confirm.disabled = true;
    ready.then((is_ready) => confirm.disabled = !is_ready);
  }
  return dialog;
}

/** A labelled field of a form. */
export function field(label, input, hint) {
  return element('label', { class: 'field' }, element('span', {}, label), input,
    hint && element('small', {}, hint));
}
