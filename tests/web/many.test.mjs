// A thousand processes: only the rows in sight are elements, and all of them can be reached.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backend_for_tests, close, row, signed_in, until } from './harness.mjs';

const backend = backend_for_tests('many.conf', 'config.yaml');

const rows = (page) => page.locator('#grid .body .row').count();

test('the rows in sight are elements, the others are reached by scrolling and by keys', async () => {
  const page = await signed_in(backend);
  await row(page, 'many_000').waitFor();
  assert.equal(await page.locator('#grid').getAttribute('aria-rowcount'), '1004');
  assert(await rows(page) < 60);
  await page.locator('#grid').evaluate((grid) => grid.scrollTo(0, grid.scrollHeight / 2));
  await row(page, 'many_499').waitFor();
  await row(page, 'many_000').waitFor({ state: 'detached' });
  await page.locator('#grid').evaluate((grid) => grid.scrollTo(0, grid.scrollHeight));
  await row(page, 'last').waitFor();
  assert(await rows(page) < 60);
  await page.locator('#grid').focus();
  for (let at = 0; at < 5; ++at) {
    await page.keyboard.press('PageDown');
  }
  await until(page, () => document.querySelector('.row.cursor .name')?.textContent === 'many_099');
  await close(page);
});

test('what changes is shown, whatever is in sight', async () => {
  const page = await signed_in(backend);
  await row(page, 'many_000').waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('many_77');
  await row(page, 'many_770').locator('.state.stopped').waitFor();
  assert.equal(await rows(page), 11); // with the row of the group
  await backend.command('rpc', 'startProcess', 'many:many_770', false);
  await row(page, 'many_770').locator('.state.starting, .state.running').waitFor();
  await backend.command('rpc', 'stopProcess', 'many:many_770');
  await row(page, 'many_770').locator('.state.stopped').waitFor();
  await close(page);
});

test('more than a batch may have is not sent', async () => {
  const page = await signed_in(backend);
  await row(page, 'many_000').waitFor();
  await page.keyboard.press('a');
  await page.getByText('1001 selected').waitFor();
  await page.locator('.selection').getByRole('button', { name: /^Start/ }).click();
  await page.locator('dialog').getByRole('button', { name: 'Start 1001' }).click();
  await page.locator('dialog').getByText('At most 500 at once').waitFor();
  assert.deepEqual(await backend.api('GET', '/api/v1/operations'), []);
  await close(page);
});
