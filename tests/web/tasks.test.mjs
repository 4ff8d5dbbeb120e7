// What a new user wants of the demo, without a manual, each in at most four clicks after signing in.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backend_for_tests, close, row, signed_in } from './harness.mjs';

const most_clicks = 4;

const backend = backend_for_tests('../../packaging/demo/programs.conf');

let clicks = 0;
async function click(locator) {
  ++clicks;
  await locator.click();
}

function in_few_clicks(name, act) {
  test(name, async () => {
    clicks = 0;
    const page = await signed_in(backend);
    await row(page, 'flaky').waitFor();
    await act(page);
    await close(page);
    assert(clicks <= most_clicks, `${clicks} clicks`);
  });
}

in_few_clicks('why did flaky crash, and when', async (page) => {
  await row(page, 'flaky').and(page.locator('.problem')).waitFor();
  await click(row(page, 'flaky'));
  await page.locator('#drawer .history li', { hasText: /\d\d:\d\d:\d\d.*exit 3.*unexpected/ }).first()
    .waitFor();
  await click(page.getByRole('button', { name: 'Show log' }));
  await page.locator('.logs .line', { hasText: 'out of luck' }).first().waitFor();
});

in_few_clicks('restart all of web one by one', async (page) => {
  await click(page.getByLabel('Select all of web'));
  await click(page.getByRole('button', { name: 'Restart 3 processes…' }));
  assert.equal(await page.getByLabel('One by one').isChecked(), true);
  await click(page.locator('dialog').getByRole('button', { name: 'Restart 3' }));
  await page.locator('#progress article.good', { hasText: 'Restart all of web' }).waitFor();
  const begun = (await backend.api('GET', '/api/v1/operations'))
    .filter((each) => each.group === 'web' && each.name !== null);
  assert.equal(begun.length, 3);
  begun.slice(1).forEach((each, at) => assert(each.created_at >= begun[at].finished_at));
});

in_few_clicks('silence alerts for an hour', async (page) => {
  await click(page.locator('#menu').getByRole('button', { name: 'Silence alerts…' }));
  await click(page.locator('dialog').getByRole('button', { name: 'Silence' }));
  await page.locator('.banner', { hasText: /Alerts act on nothing for another (59:\d\d|1:00:00)/ }).waitFor();
  const [window] = await backend.api('GET', '/api/v1/maintenance');
  assert.equal(window.scope, '*');
  await backend.api('DELETE', '/api/v1/maintenance/*');
});

in_few_clicks('what did the alert do last night', async (page) => {
  await backend.api('POST', '/api/v1/alerts', { version: '4', alerts: [{
    status: 'firing', startsAt: new Date().toISOString(), fingerprint: 'a',
    labels: { alertname: 'DownMailer', group: 'mailer', name: 'mailer' } }] });
  await click(row(page, 'mailer'));
  const card = (text) => page.locator('#drawer .card', { hasText: text });
  await card(/\d\d:\d\d:\d\d · accepted — Acted.*rule restart/).waitFor();
  await card(/\d\d:\d\d:\d\d · restart succeeded/).waitFor();
});
