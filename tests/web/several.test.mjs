// Several supervisords behind one agent: processes of one name are told apart.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backend_for_tests, close, eventually, row, signed_in } from './harness.mjs';

const backend = backend_for_tests('several.conf', 'several.yaml',
  () => backend.command('watch_two'));

/** By supervisord. */
async function pids_of_job() {
  const all = await backend.api('GET', '/api/v1/processes');
  return Object.fromEntries(all.filter((each) => each.name === 'job')
    .map((each) => [each.supervisor, each.pid]));
}

test('each process is there once for each supervisord, and a filter chooses one', async () => {
  const page = await signed_in(backend);
  for (const name of ['one/job', 'two/job', 'one/crash', 'two/crash']) {
    await row(page, name).waitFor();
  }
  for (const word of ['host:two', 'supervisor:two', 'two/']) {
    await page.getByLabel('Filter').fill(`job ${word}`);
    await row(page, 'one/job').waitFor({ state: 'detached' });
    await row(page, 'two/job').waitFor();
    await page.getByLabel('Filter').fill('');
    await row(page, 'one/job').waitFor();
  }
  await close(page);
});

test('an action is carried out on the supervisord that it was asked for', async () => {
  const page = await signed_in(backend);
  const before = await pids_of_job();
  await row(page, 'two/job').click();
  await page.locator('#drawer h2', { hasText: 'job' }).waitFor();
  await page.locator('#drawer').getByRole('button', { name: 'Restart…' }).click();
  await page.locator('dialog').getByRole('button', { name: /^Restart/ }).click();
  await page.locator('#progress article.good', { hasText: 'job' }).waitFor();
  await eventually(async () => (await pids_of_job()).two !== before.two, 'two is restarted');
  assert.equal((await pids_of_job()).one, before.one);
  await close(page);
});

test('so is one on a selection over both', async () => {
  const page = await signed_in(backend);
  const before = await pids_of_job();
  for (const name of ['one', 'two']) {
    await page.getByLabel(`Select ${name}/job`).check();
  }
  await page.locator('.selection').getByRole('button', { name: /^Restart/ }).click();
  await page.locator('dialog').getByRole('button', { name: 'Restart 2' }).click();
  await eventually(async () => {
    const now = await pids_of_job();
    return now.one !== before.one && now.two !== before.two;
  }, 'both are restarted');
  await close(page);
});

test('one that does not answer leaves the other as it is', async () => {
  const page = await signed_in(backend);
  await row(page, 'two/job').locator('.state.running').waitFor();
  await backend.command('pause');
  const silent = page.getByText(/one .*(cannot be read|does not answer)/).first();
  await silent.waitFor();
  await row(page, 'two/job').locator('.state.running').waitFor();
  await backend.command('resume');
  await silent.waitFor({ state: 'detached' });
  await row(page, 'one/job').locator('.state.running').waitFor();
  await close(page);
});
