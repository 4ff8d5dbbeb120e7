// The other hosts of a cluster: each with what is wrong on it, and a link to its own page; and the
// limits that all share, with who holds their slots. Not shown where there is no cluster.

import { button, element, replace } from './dom.js';
import { open_dialog } from './dialog.js';
import { count_of, time } from './words.js';

export class Cluster {
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

  show() {
    const { members, limits } = this.#state;
    const facts = JSON.stringify([members, limits]);
    if (facts === this.#shown) {
      return;
    }
    this.#shown = facts;
    const focused = this.#place.contains(document.activeElement);
    this.#place.hidden = members.length === 0;
    replace(this.#place, element('span', { class: 'quiet' }, count_of(members.length, 'host')),
      element('ul', {}, in_order(members).map((member) => element('li', {}, chip(member)))),
      limits.length > 0 && button(slots_text(limits), { class: 'plain',
        click: () => this.#show_slots() }));
    if (focused) {
      this.#place.querySelector('button, a')?.focus();
    }
  }

  #show_slots() {
    open_dialog({
      title: 'Slots',
      content: element('div', {}, this.#state.limits.map((limit) => [
        element('h3', {}, limit.name),
        element('p', {}, `${limit.holders.length} of ${limit.at_once} held`,
          limit.budget && ` · ${limit.budget_used} used of ${limit.budget}`),
        element('ul', { class: 'meant' }, limit.holders.map((holder) => this.#holder(limit, holder))),
      ])),
    });
  }

  #holder(limit, holder) {
    const row = element('li', {}, element('b', {}, `${holder.host} ${holder.process}`),
      ` since ${time(holder.since)}`, holder.failed && ' · kept, since the action failed ',
      this.may('admin') && button('Release', { class: 'plain', click: async () => {
        const names = [limit.name, holder.operation || holder.host].map(encodeURIComponent);
        try {
          await this.#api.send('DELETE', `/api/v1/fleet/limits/${names[0]}/holders/${names[1]}`);
          row.remove();
          await this.#state.load_cluster();
        } catch (problem) {
          row.append(element('span', { class: 'problem', role: 'alert' }, ` ${problem.message}`));
        }
      } }));
    return row;
  }
}

/** What is wrong first. */
function in_order(members) {
  const rank = (member) => (!member.alive ? 0 : member.problems.length > 0 ? 1 : 2);
  return members.toSorted((a, b) => rank(a) - rank(b) ||
    a.name.localeCompare(b.name, 'en', { numeric: true }));
}

function chip(member) {
  const counts = Object.values(member.groups).flatMap((states) => Object.entries(states));
  const all = counts.reduce((sum, [, count]) => sum + count, 0);
  const running = counts.reduce((sum, [state, count]) => sum + (state === 'RUNNING' ? count : 0), 0);
  const problems = member.problems.map((each) => `${each.process} ${each.problem}`);
  const facts = !member.alive ? 'does not answer'
    : [problems.length > 0 && count_of(problems.length, 'problem'),
      all > 0 && `${running} of ${all} running`].filter(Boolean).join(', ');
  const page = member.self ? null : page_of(member);
  return element(page ? 'a' : 'span', {
    class: `member ${!member.alive ? 'lost' : problems.length > 0 ? 'bad' : ''}`,
    href: page, rel: page && 'noreferrer', title: problems.join('\n') || null,
  }, element('b', {}, member.name), member.self && ' (this)', facts && ` · ${facts}`);
}

/** Its own status page. The address was written by another host: only one of HTTP is followed. */
function page_of(member) {
  try {
    const url = new URL(member.control);
    return ['http:', 'https:'].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

function slots_text(limits) {
  return limits.map((limit) => `${limit.name}: ${limit.holders.length} of ${limit.at_once} ` +
    'slots held').slice(0, 3).join(' · ') + (limits.length > 3 ? ' …' : '');
}
