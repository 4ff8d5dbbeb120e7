// Actions: asked, sent once, shown until verified.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backend_for_tests, close, eventually, row, signed_in, watch } from './harness.mjs';

const backend = backend_for_tests();

const info = (name) => backend.command('rpc', 'getProcessInfo', name);
const card = (page, title) => page.locator('#progress article', { hasText: title });

async function ask(page, name, action) {
  await row(page, name).click();
  await page.locator('#drawer').getByRole('button', { name: `${action}…` }).click();
  const dialog = page.locator('dialog');
  await dialog.getByRole('heading', { name: `${action} ` }).waitFor();
  return dialog;
}

test('a restart names what is meant, takes a reason, and is done when it is verified', async () => {
  const page = await signed_in(backend);
  const before_it = await info('mailer');
  const dialog = await ask(page, 'mailer', 'Restart');
  assert.match(await dialog.locator('.meant').textContent(), new RegExp(`mailer.*pid ${before_it.pid}`));
  await dialog.getByLabel('Reason').fill('a test of the page');
  await dialog.getByRole('button', { name: 'Restart' }).click();
  const shown = card(page, 'Restart mailer');
  await shown.and(page.locator('.good')).waitFor();
  const text = await shown.textContent();
  assert.match(text, /done, verified/);
  assert.match(text, /stop requested.*stopped.*start requested.*started/);
  const after_it = await info('mailer');
  assert.notEqual(after_it.pid, before_it.pid);
  assert.match(text, new RegExp(`new pid ${after_it.pid}`));
  const operations = await backend.api('GET', '/api/v1/operations');
  const last = operations.at(-1);
  assert.equal(last.reason, 'a test of the page');
  assert.equal(last.result, 'succeeded');
  await close(page);
});

test('what fails is shown as failed, with the reason', async () => {
  const page = await signed_in(backend);
  const dialog = await ask(page, 'broken', 'Start');
  await dialog.getByRole('button', { name: 'Start' }).click();
  const shown = card(page, 'Start broken');
  await shown.and(page.locator('.bad')).waitFor();
  assert.match(await shown.textContent(), /failed/);
  await close(page);
});

test('a whole group, one by one, each with its line', async () => {
  const page = await signed_in(backend);
  const before_it = await info('web:web_02');
  await page.getByLabel('Select all of web').check();
  await page.locator('.selection').getByRole('button', { name: /^Restart/ }).click();
  const dialog = page.locator('dialog');
  await dialog.getByRole('heading', { name: 'Restart all of web:*?' }).waitFor();
  assert.equal(await dialog.getByRole('checkbox').isChecked(), true);
  await dialog.getByRole('button', { name: 'Restart 3' }).click();
  const shown = card(page, 'Restart all of web');
  await shown.and(page.locator('.good')).waitFor();
  assert.equal(await shown.locator('li.good').count(), 3);
  assert.notEqual((await info('web:web_02')).pid, before_it.pid);
  await close(page);
});

async function ask_of_selection(page, names, label) {
  for (const name of names) {
    await page.getByLabel(`Select ${name}`, { exact: true }).check();
  }
  await page.locator('.selection').getByRole('button', { name: label }).click();
  return page.locator('dialog');
}

test('several that are no group are one operation, one by one', async () => {
  const page = await signed_in(backend);
  const before_it = [await info('mailer'), await info('web:web_01')];
  const dialog = await ask_of_selection(page, ['mailer', 'web:web_01'], /^Restart/);
  assert.equal(await dialog.getByRole('checkbox').isChecked(), true);
  await dialog.getByLabel('Reason').fill('both of them');
  await dialog.getByRole('button', { name: 'Restart 2' }).click();
  const shown = card(page, 'Restart 2 processes');
  await shown.and(page.locator('.good')).waitFor();
  assert.equal(await shown.locator('li.good').count(), 2);
  assert.notEqual((await info('mailer')).pid, before_it[0].pid);
  assert.notEqual((await info('web:web_01')).pid, before_it[1].pid);
  const operations = await backend.api('GET', '/api/v1/operations');
  const batch = operations.findLast((each) => each.processes?.length === 2);
  assert.equal(batch.reason, 'both of them');
  assert.deepEqual(batch.members.map((id) => operations.find((each) => each.id === id).result),
    ['succeeded', 'succeeded']);
  await close(page);
});

test('the first that fails ends a rolling start, and the rest is said to be left', async () => {
  const page = await signed_in(backend);
  // supervisord starts those of lower priority first, and of equal ones by name.
  const dialog = await ask_of_selection(page, ['broken', 'import'], /^Start/);
  await dialog.getByRole('button', { name: 'Start 2' }).click();
  const shown = card(page, 'Start 2 processes');
  await shown.and(page.locator('.bad')).waitFor();
  await shown.locator('li.bad', { hasText: 'broken' }).waitFor();
  await shown.locator('li', { hasText: 'import left as it was' }).waitFor();
  await close(page);
});

test('at once a failure does not stop the others', async () => {
  const page = await signed_in(backend);
  const dialog = await ask_of_selection(page, ['broken', 'backup'], /^Start/);
  await dialog.getByRole('checkbox').uncheck();
  await dialog.getByRole('button', { name: 'Start 2' }).click();
  const shown = card(page, 'Start 2 processes');
  await shown.and(page.locator('.bad')).waitFor();
  await shown.locator('li.bad', { hasText: 'broken' }).waitFor();
  await shown.locator('li.good', { hasText: 'backup' }).waitFor();
  assert.equal((await info('backup')).statename, 'RUNNING');
  await backend.command('rpc', 'stopProcess', 'backup');
  await close(page);
});

test('two tabs: the second cannot act on a run that the first has ended', async () => {
  const page = await signed_in(backend);
  const other = await page.context().newPage();
  watch(other);
  await other.goto(backend.url);
  const first = await ask(page, 'mailer', 'Restart');
  const second = await ask(other, 'mailer', 'Restart');
  await first.getByRole('button', { name: 'Restart' }).click();
  await card(page, 'Restart mailer').and(page.locator('.good')).waitFor();
  const { pid } = await info('mailer');
  await second.getByRole('button', { name: 'Restart' }).click();
  await second.locator('[role=alert]').waitFor();
  assert.match(await second.locator('[role=alert]').textContent(), /started again meanwhile/);
  assert.equal((await info('mailer')).pid, pid);
  await close(page);
});

test('a click that arrives twice is one operation', async () => {
  const page = await signed_in(backend);
  const count = async () => (await backend.api('GET', '/api/v1/operations')).length;
  const before_it = await count();
  let sent = 0;
  await page.route('**/restart*', async (route) => {
    // The first answer is lost on its way.
    if (++sent === 1) {
      await page.request.fetch(route.request());
      await route.abort('connectionreset');
    } else {
      await route.continue();
    }
  });
  const dialog = await ask(page, 'mailer', 'Restart');
  await dialog.getByRole('button', { name: 'Restart' }).click();
  await card(page, 'Restart mailer').and(page.locator('.good')).waitFor();
  assert.equal(sent, 2);
  assert.equal(await count(), before_it + 1);
  await close(page);
});

test('a signal', async () => {
  const page = await signed_in(backend);
  const before_it = await info('web:web_00');
  const dialog = await ask(page, 'web_00', 'Signal');
  await dialog.getByLabel('Signal').selectOption('INT');
  await dialog.getByRole('button', { name: 'Signal' }).click();
  await eventually(async () => (await info('web:web_00')).pid !== before_it.pid,
    'web_00 is ended and started again');
  await row(page, 'web:web_00').and(page.locator('.problem')).filter({ hasText: 'SIGINT' }).waitFor();
  await close(page);
});

test('an action can be taken along as a command', async () => {
  const page = await signed_in(backend, { permissions: ['clipboard-read', 'clipboard-write'] });
  const dialog = await ask(page, 'mailer', 'Restart');
  await dialog.getByLabel('Reason').fill("it's slow");
  await dialog.getByRole('button', { name: 'Copy as reeve' }).click();
  await dialog.getByRole('button', { name: 'Copied' }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()),
    `reeve restart mailer --agent ${new URL(page.url()).origin} --reason 'it'\\''s slow'`);
  await dialog.getByRole('button', { name: 'Copy as curl' }).click();
  await dialog.getByRole('button', { name: 'Copy as curl' }).waitFor({ state: 'detached' });
  const curl = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(curl, /^curl -X POST -H .*it'\\''s slow.*\/processes\/mailer%3Amailer\/restart$/);
  assert(!curl.includes(backend.token));
  await close(page);
});
