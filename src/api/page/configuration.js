// supervisord's configuration: what its changed files would add, change and remove, read when a person
// asks, and the update, of all groups or some. Each group is shown until it is done.

import { new_key } from './api.js';
import { element, replace } from './dom.js';
import { field, open_dialog } from './dialog.js';
import { label_of, supervisor_query } from './state.js';
import { count_of } from './words.js';

const kinds = {
  added: 'new: it is started',
  changed: 'stopped, replaced and started',
  removed: 'stopped and removed',
};

export class Configuration {
  #api;
  #state;
  #actions;

  constructor(api, state, actions) {
    this.#api = api;
    this.#state = state;
    this.#actions = actions;
  }

  /** Has each supervisord read its files, and asks which changes are wanted. */
  ask() {
    const key = new_key();
    const reason = element('input', { maxlength: 1000, autocomplete: 'off',
      placeholder: 'for the record' });
    const found = element('div', { 'aria-live': 'polite' },
      element('p', { class: 'quiet' }, 'supervisord reads its files …'));
    let choices = [];
    const ready = this.#read().then((parts) => {
      choices = parts.flatMap((part) => part.choices);
      replace(found, parts.map((part) => this.#part(part)));
      return choices.length > 0;
    });
    open_dialog({
      title: 'Update supervisord’s configuration',
      content: element('div', {}, element('p', { class: 'quiet' },
        'What its files would change, against what runs. Nothing is done before you confirm.'),
      found, field('Reason', reason)),
      label: 'Update', ready,
      submit: () => this.#begin(choices.filter((choice) => choice.box.checked),
        reason.value.trim(), key),
    });
  }

  /** Of each supervisord: {supervisor, choices, problem}. */
  #read() {
    return Promise.all(this.#state.supervisors.map(async ({ name: supervisor }) => {
      try {
        const changes = await this.#api.get(
          `/api/v1/configuration/changes${supervisor_query({ supervisor })}`);
        const choices = Object.keys(kinds).flatMap((kind) => changes[kind].map((group) =>
          ({ supervisor, group, kind, box: element('input', { type: 'checkbox' }) })));
        choices.forEach((choice) => choice.box.checked = true);
        return { supervisor, choices };
      } catch (problem) {
        return { supervisor, choices: [], problem: problem.message };
      }
    }));
  }

  #part({ supervisor, choices, problem }) {
    return element('div', {},
      supervisor && element('h3', {}, supervisor),
      problem && element('p', { class: 'problem' }, problem),
      !problem && choices.length === 0 && element('p', {}, 'It is as its files say.'),
      element('ul', { class: 'meant' }, choices.map((choice) => element('li', {},
        element('label', { class: 'check' }, choice.box, element('b', {}, choice.group),
          element('span', {}, choice.kind), element('span', { class: 'quiet' },
            `${kinds[choice.kind]}${this.#size(choice)}`))))));
  }

  /** How many processes the group has now. */
  #size({ supervisor, group }) {
    const size = [...this.#state.processes.values()].filter((each) =>
      each.supervisor === supervisor && each.group === group).length;
    return size > 0 ? `, ${count_of(size, 'process')}` : '';
  }

  /** One request for each supervisord: its groups are done one after the other. */
  async #begin(chosen, reason, key) {
    if (chosen.length === 0) {
      throw new Error('Choose a group.');
    }
    const supervisors = [...new Set(chosen.map((choice) => choice.supervisor))];
    const answers = await Promise.allSettled(supervisors.map((supervisor, at) =>
      this.#api.send('POST', '/api/v1/configuration/update', {
        groups: chosen.filter((choice) => choice.supervisor === supervisor)
          .map((choice) => choice.group),
        ...(supervisor && { supervisor }), ...(reason && { reason }),
      }, { key: `${key}-${at}` })));
    const refused = answers.filter((answer) => answer.status === 'rejected')
      .map((answer) => answer.reason);
    if (refused.length === answers.length) {
      throw refused[0];
    }
    const title = chosen.length === 1
      ? `Update ${label_of({ ...chosen[0], name: null })}` : `Update ${chosen.length} groups`;
    this.#actions.follow(title,
      answers.filter((answer) => answer.status === 'fulfilled').map((answer) => answer.value),
      { targets: chosen.map(({ supervisor, group }) => ({ supervisor, group, name: null })),
        problems: refused.map((problem) => problem.message) });
  }
}
