// Several hosts that agree through etcd: who they are, what is wrong there, who holds which slot.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert_accessible, backend_for_tests, close, row, signed_in } from './harness.mjs';

let other;
const backend = backend_for_tests('cluster.conf', 'cluster.yaml', async () => {
  other = await backend.command('start_host', 'host2');
  await backend.api('PUT', '/api/v1/fleet/limits/web', { at_once: 1, hold_failed: '1h' });
});

const member = (page, name) => page.locator('#cluster .member', { hasText: name });

test('each host is a link to its own page, what is wrong on it is named', async () => {
  const page = await signed_in(backend);
  await member(page, 'host2').and(page.locator('.bad')).waitFor();
  assert.match(await member(page, 'host2').textContent(), /1 problem, 1 of 2 running/);
  assert.match(await member(page, 'host2').getAttribute('title'), /broken/);
  assert.equal(await member(page, 'host1').evaluate((node) => node.tagName), 'SPAN');
  assert.match(await member(page, 'host1').textContent(), /this/);
  await member(page, 'host2').click();
  await page.getByLabel('Token').waitFor();
  assert.equal(page.url(), other);
  await close(page);
});

test('a slot that a failed action keeps is shown with its process, and released', async () => {
  await backend.api('POST', '/api/v1/alerts', { version: '4', alerts: [{
    status: 'firing', startsAt: new Date().toISOString(), fingerprint: 'a',
    labels: { alertname: 'Hung', group: 'broken', name: 'broken' } }] });
  const page = await signed_in(backend);
  await page.locator('#cluster').getByText('web: 1 of 1 slots held').waitFor();
  await row(page, 'broken').click();
  const slot = page.locator('#drawer .card', { hasText: 'slot of web' });
  await slot.filter({ hasText: 'The action failed' }).waitFor();
  await backend.api('POST', '/api/v1/alerts', { version: '4', alerts: [{
    status: 'firing', startsAt: new Date().toISOString(), fingerprint: 'b',
    labels: { alertname: 'Hung', group: 'web', name: 'web' } }] });
  await row(page, 'web').click();
  await page.locator('#drawer .card', { hasText: 'pending: Hung' })
    .filter({ hasText: /all slots of 'web' are held: host1 \(broken/ }).waitFor();
  await page.locator('#cluster').getByRole('button', { name: /slots held/ }).click();
  const holder = page.locator('dialog li', { hasText: 'host1 broken' });
  await assert_accessible(page, 'cluster');
  assert.match(await holder.textContent(), /since .* kept, since the action failed/);
  await holder.getByRole('button', { name: 'Release' }).click();
  await holder.waitFor({ state: 'detached' });
  await page.keyboard.press('Escape');
  // The alert that waited has its turn.
  await page.locator('#drawer .card', { hasText: /accepted — Acted/ }).waitFor();
  await close(page);
});

test('a host that is lost is said to be lost', async () => {
  await backend.command('kill_host', 'host2');
  const page = await signed_in(backend);
  await member(page, 'host2').and(page.locator('.lost')).waitFor();
  assert.match(await member(page, 'host2').textContent(), /does not answer/);
  await close(page);
});
