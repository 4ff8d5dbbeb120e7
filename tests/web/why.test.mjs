// Why did nothing happen? Decisions, guards, maintenance; history and curves; configuration.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backend_for_tests, close, eventually, row, signed_in, until } from './harness.mjs';

const backend = backend_for_tests();

let fingerprints = 0;
function alert(name, process) {
  const [group, own] = process.includes(':') ? process.split(':') : [process, process];
  return backend.api('POST', '/api/v1/alerts', { version: '4', alerts: [{
    status: 'firing', startsAt: new Date().toISOString(), fingerprint: `f${++fingerprints}`,
    labels: { alertname: name, group, name: own } }] });
}

async function open(page, name) {
  await row(page, name).click();
  await page.locator('#drawer h2', { hasText: name }).waitFor();
}

const why = (page, text) => page.locator('#drawer .card', { hasText: text });

test('a dry run says that it would have acted', async () => {
  const page = await signed_in(backend);
  await open(page, 'mailer');
  await alert('Rehearsal', 'mailer');
  await why(page, 'would act').waitFor();
  assert.match(await why(page, 'would act').textContent(), /dry run.*rehearse/);
  await close(page);
});

test('a cooldown runs down, and a reset ends it', async () => {
  const page = await signed_in(backend);
  await alert('Down', 'colours');
  await open(page, 'colours');
  await why(page, /accepted — Acted/).waitFor();
  await why(page, /cooldown — Left alone until .* left\)/).waitFor();
  await eventually(async () => (await backend.api('GET', '/api/v1/operations'))
    .every((each) => each.state === 'done'), 'the restart is done');
  await alert('Down', 'colours');
  await why(page, 'short while ago').waitFor();
  await page.locator('#drawer').getByRole('button', { name: 'Reset…' }).click();
  await page.locator('dialog').getByRole('button', { name: 'Reset' }).click();
  await page.locator('dialog').waitFor({ state: 'detached' });
  await why(page, /Left alone until/).waitFor({ state: 'detached' });
  await close(page);
});

test('maintenance is set, shown with the time left, and ended', async () => {
  const page = await signed_in(backend);
  await open(page, 'web_00');
  await page.locator('#drawer').getByRole('button', { name: 'Silence alerts…' }).click();
  const dialog = page.locator('dialog');
  await dialog.getByLabel('Of').selectOption('web:*');
  await dialog.getByLabel('Reason').fill('new disk');
  await dialog.getByRole('button', { name: 'Silence' }).click();
  const banner = page.locator('.banner', { hasText: 'web:*' });
  await banner.waitFor();
  assert.match(await banner.textContent(), /for another 59:\d\d|for another 1:00:00/);
  assert.match(await banner.textContent(), /new disk.*test/);
  await why(page, 'maintenance — Alerts leave web:*').waitFor();
  await alert('Down', 'web:web_00');
  await why(page, 'It is under maintenance.').waitFor();
  await banner.getByRole('button', { name: 'End now…' }).click();
  await page.locator('dialog').getByRole('button', { name: 'End it' }).click();
  await banner.waitFor({ state: 'detached' });
  await close(page);
});

test('alerts are silenced for an hour in three clicks', async () => {
  const page = await signed_in(backend);
  await page.locator('#menu').getByRole('button', { name: 'Silence alerts…' }).click();
  await page.locator('dialog').getByRole('button', { name: 'Silence' }).click();
  const banner = page.locator('.banner', { hasText: 'Alerts act on nothing' });
  await banner.waitFor();
  await backend.api('DELETE', '/api/v1/maintenance/*');
  await banner.waitFor({ state: 'detached' });
  await close(page);
});

test('history says what became of it, how it ended and who did it', async () => {
  const page = await signed_in(backend);
  await open(page, 'flaky');
  const line = (text) => page.locator('#drawer .history li', { hasText: text });
  await line('exit 3').first().waitFor();
  await open(page, 'mailer');
  const { pid } = await backend.command('rpc', 'getProcessInfo', 'mailer');
  await backend.api('POST', '/api/v1/processes/mailer/restart?wait=30s', { reason: 'new certificate' });
  const newest_line = page.locator('#drawer .history li').first()
    .filter({ hasText: /running pid \d+/ }).filter({ hasText: 'by test: “new certificate”' });
  await newest_line.waitFor();
  const newest = await newest_line.textContent();
  assert.match(newest, /^\d\d:\d\d:\d\d running pid \d+/);
  assert(!newest.includes(`pid ${pid} `));
  await close(page);
});

test('the last day is a bar, and words', async () => {
  const page = await signed_in(backend);
  const bar = row(page, 'mailer').locator('svg.day');
  await bar.waitFor();
  assert.match(await bar.getAttribute('aria-label'), /^up \d+(\.\d+)? % of the last \d+ min$/);
  const { day } = await backend.api('GET', '/api/v1/processes/mailer/history');
  const quarters = await bar.locator('path').evaluateAll((paths) => Object.fromEntries(paths
    .map((each) => [each.getAttribute('class'), each.getAttribute('d').split('M').length - 1])));
  assert.equal(day.up.length, 96);
  assert.equal(quarters.unknown, day.up.filter((share) => share === null).length);
  assert.equal(quarters.up + quarters.partly, day.up.filter((share) => share > 0).length);
  await row(page, 'broken').click();
  await page.locator('#drawer h2', { hasText: 'broken' }).waitFor();
  assert.match(await page.locator('#drawer svg.day').getAttribute('aria-label'), /^up 0(\.0)? % of/);
  await close(page);
});

test('CPU and memory are curves from the moment the page was opened', async () => {
  const page = await signed_in(backend);
  await open(page, 'mailer');
  const curve = page.locator('#drawer svg.curve');
  await curve.nth(1).waitFor();
  assert.match(await curve.nth(0).getAttribute('aria-label'), /^CPU: .* % now, at most .* %/);
  assert.match(await curve.nth(1).getAttribute('aria-label'), /^Memory: .* [kM]?B now/);
  await close(page);
});

test('decisions of the last day are there for a page that is opened later, and all on demand', async () => {
  for (let at = 0; at < 8; ++at) {
    await alert(`Wait${at}`, 'web:web_02');
  }
  const page = await signed_in(backend);
  await open(page, 'web_02');
  await page.locator('#drawer time').first().waitFor();
  await page.locator('#drawer').getByRole('button', { name: /\d+ more of the last day/ }).click();
  // With a card for each alert that waits as well.
  await until(page, () => document.querySelectorAll('#drawer .card time').length >= 8);
  await page.getByRole('button', { name: /more of the last day/ }).waitFor({ state: 'detached' });
  await close(page);
});

test('a budget that is used up gives a process up, until a person resets it', async () => {
  const page = await signed_in(backend);
  await open(page, 'web_01');
  await alert('Vain', 'web:web_01');
  await why(page, 'budget — 1 of 1 actions used: one more, and Reeve gives it up.').waitFor();
  await alert('Vain again', 'web:web_01');
  const given_up = why(page, 'given up — Restarted in vain too often');
  await given_up.waitFor();
  await given_up.getByRole('button', { name: 'Reset…' }).click();
  await page.locator('dialog').getByRole('button', { name: 'Reset' }).click();
  await given_up.waitFor({ state: 'detached' });
  await close(page);
});

test('an open breaker is said to be open', async () => {
  const page = await signed_in(backend);
  await backend.command('configure', 'breaker: {targets: 100%, min_targets: 50}',
    'breaker: {targets: 1%, min_targets: 2}');
  await open(page, 'mailer');
  await backend.api('POST', '/api/v1/alerts', { version: '4', alerts: ['mailer', 'colours', 'flaky']
    .map((name) => ({ status: 'firing', startsAt: new Date().toISOString(),
      fingerprint: `breaker-${name}`, labels: { alertname: 'Down too', group: name, name } })) });
  await why(page, 'breaker open — Too many processes have alerts at once.').waitFor();
  await why(page, /the breaker is open/).waitFor();
  await close(page);
});
