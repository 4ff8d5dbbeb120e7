// Who is before the page, and what they may do there.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backend_for_tests, close, eventually, new_window, row, sign_in, signed_in } from './harness.mjs';

const backend = backend_for_tests();

test('the page is files alone, with strict headers', async () => {
  const page = await new_window();
  const response = await page.goto(backend.url);
  const headers = response.headers();
  assert.equal(headers['cache-control'], 'no-store');
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.equal(headers['referrer-policy'], 'no-referrer');
  assert.equal(headers['cross-origin-opener-policy'], 'same-origin');
  assert.equal(headers['cross-origin-resource-policy'], 'same-origin');
  assert.match(headers['content-security-policy'], /default-src 'none'; script-src 'self'/);
  assert.doesNotMatch(headers['content-security-policy'], /unsafe/);
  await page.getByLabel('Token').waitFor();
  const elsewhere = page.requested.filter((url) => !url.startsWith(backend.url));
  assert.deepEqual(elsewhere, []);
  // A request without credentials would count as a failed login.
  assert.deepEqual(page.requested.filter((url) => url.includes('/api/')), []);
  await close(page);
});

test('its other files are kept for ever, under names that change with them', async () => {
  const page = await new_window();
  const files = [];
  page.on('response', (response) => files.push(response));
  await page.goto(backend.url);
  await page.getByLabel('Token').waitFor();
  const assets = files.filter((file) => file.url().includes('/assets/'));
  assert(assets.length > 10);
  for (const file of assets) {
    assert.equal(file.headers()['cache-control'], 'public, max-age=31536000, immutable');
    assert.match(file.url(), /\/assets\/[0-9a-f]{16}\//);
  }
  const other = await page.request.get(`${backend.url}assets/0123456789abcdef/main.js`);
  assert.equal(other.status(), 404);
  await close(page);
});

test('a wrong token is said to be wrong, and the right one is let in', async () => {
  const page = await new_window();
  await page.goto(backend.url);
  await page.getByLabel('Token').fill('not one of them, by any means at all');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('The agent does not know this token.').waitFor();
  await sign_in(page, backend.token);
  await row(page, 'web_00').waitFor();
  await close(page);
});

test('a session outlives a reload, and its cookie is not for scripts', async () => {
  const page = await signed_in(backend);
  const cookies = await page.context().cookies();
  const cookie = cookies.find((each) => each.name.includes('reeve_session'));
  assert.equal(cookie.httpOnly, true);
  assert.equal(cookie.sameSite, 'Strict');
  assert.equal(await page.evaluate(() => document.cookie), '');
  assert(!JSON.stringify(await page.context().storageState()).includes(backend.token));
  await page.reload();
  await row(page, 'web_00').waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Token').waitFor();
  await page.reload();
  await page.getByLabel('Token').waitFor();
  await close(page);
});

test('a token that is not kept is gone with the page', async () => {
  const page = await signed_in(backend, { keep: false });
  await row(page, 'web_00').waitFor();
  assert.deepEqual(await page.context().cookies(), []);
  await page.reload();
  await page.getByLabel('Token').waitFor();
  await close(page);
});

test('a link from elsewhere leads to the page', async () => {
  const page = await new_window();
  await page.route('http://elsewhere.test/', (route) => route.fulfill({
    contentType: 'text/html', body: `<a href="${backend.url}#filter=web">to the page</a>` }));
  await page.goto('http://elsewhere.test/');
  await page.getByText('to the page').click();
  await sign_in(page, backend.token);
  assert.equal(await page.locator('#filter').inputValue(), 'web');
  await close(page);
});

test('who may only read has no buttons that act, and no logs', async () => {
  const page = await signed_in(backend, { token: backend.reader });
  await row(page, 'broken').click();
  await page.locator('#drawer h2', { hasText: 'broken' }).waitFor();
  for (const name of [/Start/, /Stop/, /Restart/, /Silence/, /log/i]) {
    assert.equal(await page.getByRole('button', { name }).count(), 0, String(name));
  }
  await page.locator('#grid').focus();
  await page.keyboard.press('r');
  await page.keyboard.press('l');
  assert.equal(await page.locator('dialog').count(), 0);
  assert.equal(await page.locator('.logs').count(), 0);
  await close(page);
});

test('a session that a reload ends leads back to the form', async () => {
  const page = await signed_in(backend, { token: backend.reader });
  await row(page, 'web_00').waitFor();
  await backend.command('configure', 'name: reader', 'name: another');
  await page.getByText('The session has ended').waitFor();
  assert.equal(await page.locator('#grid').count(), 0);
  assert.equal(await page.locator('#bar').innerText(), 'localhost');
  await sign_in(page, backend.token);
  await row(page, 'web_00').waitFor();
  await backend.command('configure', 'name: another', 'name: reader');
  await close(page);
});

/** Unknown credentials; 429 where there were many within a minute. */
const is_refused = (response) => [401, 429].includes(response.status());

/** One that is resolved from outside: {promise, resolve}. */
function promise() {
  const made = {};
  made.promise = new Promise((resolve) => made.resolve = resolve);
  return made;
}

test('a late refusal of the former session does not end the new one', async () => {
  const page = await signed_in(backend, { token: backend.reader });
  await row(page, 'mailer').waitFor();
  const [asked, released] = [promise(), promise()];
  await page.route('**/history', async (route) => {
    const response = await route.fetch();
    if (is_refused(response)) {
      asked.resolve();
      await released.promise;
    }
    await route.fulfill({ response });
  });
  // The stream is refused as well, but not before something else was asked for.
  await page.route('**/events', async (route) => {
    await asked.promise;
    await route.continue();
  });
  await backend.command('configure', 'name: reader', 'name: another');
  await row(page, 'mailer').click();
  await page.getByText('The session has ended').waitFor();
  await page.unroute('**/events');
  await sign_in(page, backend.token);
  await row(page, 'web_00').waitFor();
  const answered = page.waitForResponse(is_refused);
  released.resolve();
  await answered;
  await row(page, 'broken').click();
  await page.locator('#drawer').getByRole('button', { name: 'Start…' }).waitFor();
  await backend.command('configure', 'name: another', 'name: reader');
  await close(page);
});

test('what the page meant to ask for is not asked once its session has ended', async () => {
  const page = await new_window();
  const released = promise();
  const asked = [];
  const refused = [];
  await page.route('**/history', async (route) => {
    asked.push(route.request().url());
    await released.promise;
    await route.continue();
  });
  page.on('response', (response) => is_refused(response) && refused.push(response.url()));
  await page.goto(backend.url);
  await sign_in(page, backend.reader);
  await eventually(() => asked.length === 2, 'the first of many');
  await backend.command('configure', 'name: reader', 'name: another');
  await page.getByText('The session has ended').waitFor();
  released.resolve();
  await eventually(() => asked.every((url) => refused.includes(url)), 'both are refused');
  await page.evaluate(() => new Promise(requestAnimationFrame));
  assert.equal(asked.length, 2); // another would be a failed login
  await backend.command('configure', 'name: another', 'name: reader');
  await close(page);
});

test('signing out ends the session at the agent', async () => {
  const page = await signed_in(backend);
  const [cookie] = await page.context().cookies();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Token').waitFor();
  await page.context().addCookies([cookie]);
  await eventually(async () => {
    const answer = await page.request.get(`${backend.url}api/v1/session`);
    return is_refused(answer);
  }, 'the old cookie is refused');
  await close(page);
});

test('so does one that ends while too many logins have failed', async () => {
  const page = await signed_in(backend, { token: backend.reader });
  await row(page, 'web_00').waitFor();
  const fail = () => page.request.get(`${backend.url}api/v1/supervisors`,
    { headers: { Authorization: 'Bearer not one of them' } });
  // What failed in the tests before counts, too: the minute must not end within this one.
  await eventually(async () => (await Promise.all(Array.from({ length: 12 }, fail)))
    .some((answer) => Number(answer.headers()['retry-after']) > 20), 'too many logins have failed');
  await backend.command('configure', 'name: reader', 'name: another');
  await page.getByText('The session has ended').waitFor();
  assert.equal((await fail()).status(), 429); // not since that is over
  await sign_in(page, backend.token);
  await row(page, 'web_00').waitFor();
  await backend.command('configure', 'name: another', 'name: reader');
  await close(page);
});
