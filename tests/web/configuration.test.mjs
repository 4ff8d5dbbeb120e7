// An update of supervisord's configuration: shown before it is done, and then group by group.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backend_for_tests, close, row, signed_in } from './harness.mjs';

const backend = backend_for_tests();

const info = (name) => backend.command('rpc', 'getProcessInfo', name);

async function ask(page) {
  await page.locator('#menu').getByRole('button', { name: 'Update…' }).click();
  return page.locator('dialog');
}

test('where nothing has changed there is nothing to confirm', async () => {
  const page = await signed_in(backend);
  const dialog = await ask(page);
  await dialog.getByText('It is as its files say.').waitFor();
  assert.equal(await dialog.getByRole('button', { name: 'Update' }).isDisabled(), true);
  await close(page);
});

test('what is added, changed and removed is shown, and done only for what is chosen', async () => {
  const page = await signed_in(backend);
  await row(page, 'colours').waitFor();
  const before_it = await info('mailer');
  await backend.command('edit_supervisord', '', '\n[program:fresh]\ncommand=sleep infinity\nstartsecs=0\n');
  await backend.command('edit_supervisord', 'sleep 0.2', 'sleep 0.3');
  await backend.command('edit_supervisord', '[program:colours]', '[program:colors]');
  const dialog = await ask(page);
  const choice = (name) => dialog.locator('li', { hasText: name });
  await choice('fresh').waitFor();
  assert.match(await choice('fresh').textContent(), /added/);
  assert.match(await choice('mailer').textContent(), /changed.*1 process/);
  assert.match(await choice('colours').textContent(), /removed/);
  assert.match(await choice('colors').textContent(), /added/);
  assert.equal((await info('mailer')).pid, before_it.pid);
  await choice('colours').getByRole('checkbox').uncheck();
  await choice('colors').getByRole('checkbox').uncheck();
  await dialog.getByLabel('Reason').fill('release 7');
  await dialog.getByRole('button', { name: 'Update' }).click();
  const shown = page.locator('#progress article', { hasText: 'Update 2 groups' });
  await shown.and(page.locator('.good')).waitFor();
  assert.equal(await shown.locator('li.good').count(), 2);
  assert.match(await shown.textContent(), /mailer:\* done, verified/);
  await row(page, 'fresh').locator('.state.running').waitFor();
  assert.notEqual((await info('mailer')).pid, before_it.pid);
  assert.equal((await info('colours')).statename, 'RUNNING');
  const operations = await backend.api('GET', '/api/v1/operations');
  const update = operations.findLast((each) => each.action === 'update' && each.group === null);
  assert.equal(update.reason, 'release 7');
  await close(page);
});

test('what fails is said, group by group', async () => {
  const page = await signed_in(backend);
  await backend.command('edit_supervisord', '',
    '\n[program:hopeless]\ncommand=/no/such/program\nstartretries=0\n');
  const dialog = await ask(page);
  await dialog.locator('li', { hasText: 'hopeless' }).waitFor();
  for (const each of ['colours', 'colors']) {
    await dialog.locator('li', { hasText: each }).getByRole('checkbox').uncheck();
  }
  await dialog.getByRole('button', { name: 'Update' }).click();
  const shown = page.locator('#progress article.bad');
  await shown.locator('li.bad', { hasText: 'hopeless' }).first().waitFor();
  assert.match(await shown.textContent(), /failed/);
  await close(page);
});

test('who may not act cannot ask', async () => {
  const page = await signed_in(backend, { token: backend.reader });
  await row(page, 'web_00').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Update…' }).count(), 0);
  await close(page);
});
