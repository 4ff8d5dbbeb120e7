// A connection lost and found, a supervisord that does not answer, a hidden tab.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backend_for_tests, close, eventually, new_window, row, sign_in, signed_in, Wire } from './harness.mjs';

const backend = backend_for_tests();

test('a lost agent is said to be lost, and found again', async () => {
  const page = await signed_in(backend, { keep: false });
  await row(page, 'web_00').waitFor();
  await backend.command('stop_agent');
  await page.locator('#live', { hasText: /disconnected since \d\d:\d\d:\d\d/ }).waitFor();
  assert.equal(await row(page, 'web_00').count(), 1);
  await backend.command('rpc', 'startProcess', 'backup', false);
  await backend.command('start_agent');
  await page.locator('#live', { hasText: 'live' }).waitFor();
  await row(page, 'backup').locator('.state.running').waitFor();
  await backend.command('rpc', 'stopProcess', 'backup');
  await row(page, 'backup').locator('.state.stopped').waitFor();
  await close(page);
});

test('a stream that breaks goes on where it was, and misses nothing', async () => {
  const wire = await Wire.to(backend);
  const page = await signed_in({ url: wire.url, token: backend.token });
  await row(page, 'backup').locator('.state.stopped').waitFor();
  const asked = [];
  page.on('request', (request) => asked.push(request));
  wire.cut();
  await page.locator('#live', { hasText: 'disconnected' }).waitFor();
  await backend.command('rpc', 'startProcess', 'backup', false);
  wire.mend();
  await row(page, 'backup').locator('.state.running').waitFor();
  const streams = asked.filter((request) => request.url().endsWith('/events'));
  assert(streams.length > 0);
  for (const request of streams) {
    assert.match(request.headers()['last-event-id'], /^\d+$/);
  }
  await backend.command('rpc', 'stopProcess', 'backup');
  await row(page, 'backup').locator('.state.stopped').waitFor();
  await close(page);
  wire.close();
});

test('the age of what is shown', async () => {
  const page = await signed_in(backend);
  await page.locator('#live', { hasText: /live · \d+ s old/ }).waitFor();
  await close(page);
});

test('a supervisord that does not answer is named', async () => {
  const page = await signed_in(backend);
  await row(page, 'web_00').waitFor();
  await backend.command('pause');
  await page.getByText('does not answer').first().waitFor();
  await backend.command('resume');
  await page.getByText('does not answer').first().waitFor({ state: 'detached' });
  await close(page);
});

test('a hidden tab asks for nothing, and after a while gives its connection up', async () => {
  const page = await new_window();
  await page.clock.install();
  await page.goto(backend.url);
  await sign_in(page, backend.token);
  await row(page, 'backup').locator('.state.stopped').waitFor();
  const set_hidden = (hidden) => page.evaluate((value) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => value });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
  await set_hidden(true);
  // What was asked for while it was seen is answered first, and what these answers lead to.
  let quiet = 0;
  await eventually(() => (quiet = page.under_way === 0 ? quiet + 1 : 0) === 10, 'all answers');
  page.requested.length = 0;
  // The title of a hidden window tells all the same.
  const title = await page.title();
  await backend.command('rpc', 'startProcess', 'backup', false);
  await eventually(async () => await page.title() !== title, 'another title');
  await page.clock.runFor(20_000);
  assert.deepEqual(page.requested.filter((url) => !url.endsWith('/events')), []);
  await page.clock.fastForward(300_000);
  await page.locator('#live', { hasText: 'paused' }).waitFor();
  await backend.command('rpc', 'stopProcess', 'backup');
  page.requested.length = 0;
  await page.clock.runFor(20_000);
  assert.deepEqual(page.requested, []);
  await set_hidden(false);
  await page.locator('#live', { hasText: 'live' }).waitFor();
  await row(page, 'backup').locator('.state.stopped').waitFor();
  await close(page);
});
