// What a person may not act on has no button, and the agent refuses it all the same.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backend_for_tests, close, row, signed_in } from './harness.mjs';

const backend = backend_for_tests('permission.conf');

const actions = (page) => page.locator('#drawer').getByRole('button', { name: /^(Start|Stop|Restart|Signal)…$/ });

async function open(page, name) {
  await row(page, name).click();
  await page.locator('#drawer h2', { hasText: name }).waitFor();
}

test('Reeve itself has no button', async () => {
  const page = await signed_in(backend);
  await open(page, 'relay');
  await page.locator('#drawer .buttons', { hasText: 'is Reeve itself' }).waitFor();
  assert.equal(await actions(page).count(), 0);
  await open(page, 'job');
  await actions(page).first().waitFor();
  assert.equal(await actions(page).count(), 3);
  await close(page);
});

test('nor has what the token does not allow', async () => {
  const page = await signed_in(backend, { token: backend.web });
  await open(page, 'job');
  await page.locator('#drawer .buttons', { hasText: 'allow' }).waitFor();
  assert.equal(await actions(page).count(), 0);
  await open(page, 'web_01');
  await actions(page).first().waitFor();
  // What is asked of several says which of them may not be acted on.
  await page.getByLabel('Select job').check();
  await page.getByLabel('Select web:web_00').check();
  await page.locator('.selection').getByRole('button', { name: /^Restart/ }).click();
  await page.locator('dialog').getByRole('button', { name: 'Restart 2' }).click();
  await page.locator('dialog [role=alert]', { hasText: 'job' }).waitFor();
  await close(page);
});
