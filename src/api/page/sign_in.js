// Who is before the page. A token is typed once and exchanged for a session (a cookie that scripts
// cannot read), or kept in this tab's memory alone, as the person chooses. A client certificate
// signs in by itself.

import { element, replace } from './dom.js';
import { Problem } from './api.js';
import { field } from './dialog.js';

const path = '/api/v1/session';
// That there is a session in this browser: without it nothing is asked for, since a request without
// credentials counts as a failed login. No secret.
const marker = 'reeve-session';

/** The session that there is already: {name, scopes, …}; null if there is none. */
export async function resume(api) {
  const may_have_certificate = location.protocol === 'https:';
  if (!may_have_certificate && !localStorage.getItem(marker)) {
    return null;
  }
  try {
    const session = await api.get(path);
    api.use({ csrf: session.csrf_token });
    return session;
  } catch (error) {
    if (error instanceof Problem) {
      localStorage.removeItem(marker);
      return null;
    }
    throw error;
  }
}

/** Shows the form in `place`, and resolves with the session once there is one. */
export function sign_in(api, place, message = '') {
  return new Promise((resolve) => {
    const token = element('input', { type: 'password', autocomplete: 'current-password',
      required: true, spellcheck: 'false' });
    const keep = element('input', { type: 'checkbox' });
    keep.checked = true;
    const problem = element('p', { class: 'problem', role: 'alert' }, message);
    const form = element('form', { class: 'sign-in', submit: async (event) => {
      event.preventDefault();
      replace(problem);
      try {
        resolve(await exchange(api, token.value.trim(), keep.checked));
      } catch (error) {
        replace(problem, error instanceof Problem && error.status === 401
          ? 'The agent does not know this token.' : error.message);
        token.select();
      }
    } },
    element('h2', {}, 'Sign in'),
    field('Token', token, 'one of control.tokens in the agent’s configuration'),
    element('label', { class: 'check' }, keep, ' Keep me signed in for 12 hours'),
    element('p', { class: 'quiet' }, 'The token itself is not stored. Without the tick it is kept in ' +
      'this tab’s memory until you close or reload it.'),
    problem, element('button', { type: 'submit', class: 'main' }, 'Sign in'));
    replace(place, form);
    token.focus();
  });
}

async function exchange(api, token, keep) {
  api.use({ token });
  if (!keep) {
    return api.get(path);
  }
  const session = await api.send('POST', path, undefined);
  localStorage.setItem(marker, '1');
  api.use({ csrf: session.csrf_token });
  return session;
}

export async function sign_out(api) {
  if (localStorage.getItem(marker)) {
    localStorage.removeItem(marker);
    await api.send('DELETE', path).catch(() => {});
  }
  location.reload();
}
