// The table: problems first, counts, filter, selection, keys, a phone.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backend_for_tests, close, row, signed_in, until } from './harness.mjs';

const backend = backend_for_tests();

const names = (page) => page.locator('#grid .body .row .name').allTextContents();

test('problems come first, with what is wrong and since when', async () => {
  const page = await signed_in(backend);
  await row(page, 'broken').and(page.locator('.problem')).locator('.state.fatal').waitFor();
  await row(page, 'import').and(page.locator('.problem')).locator('.since', { hasText: 'since' }).waitFor();
  const first = await page.locator('#grid .body .row').evaluateAll((rows) => rows
    .sort((a, b) => a.ariaRowIndex - b.ariaRowIndex).map((each) => each.textContent));
  assert.equal(first[0], 'Problems');
  assert(first.findIndex((text) => text.includes('broken')) < first.indexOf('Processes'));
  assert.match(await row(page, 'broken').textContent(), /FATAL.*no\/such\/program/);
  assert.match(await row(page, 'import').textContent(), /EXITED.*7.*since \d\d:\d\d:\d\d/);
  await close(page);
});

test('the counts stand in the bar and in the title of the window', async () => {
  const page = await signed_in(backend);
  await until(page, () => /^\(\d\) .* running · Reeve$/.test(document.title));
  const problems = await page.locator('.row.problem').count();
  await until(page, (count) => document.title.startsWith(`(${count})`), problems);
  assert.match(await page.locator('#counts').textContent(), new RegExp(`${problems} problems`));
  await close(page);
});

test('a filter is kept in the address and sent nowhere', async () => {
  const page = await signed_in(backend);
  await row(page, 'mailer').waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('web_0 state:running');
  await row(page, 'mailer').waitFor({ state: 'detached' });
  assert.deepEqual((await names(page)).sort(), ['web_00', 'web_01', 'web_02']);
  const address = page.url();
  assert.match(address, /#filter=web_0/);
  const other = await page.context().newPage();
  await other.goto(address);
  await row(other, 'web_01').waitFor();
  assert.deepEqual((await names(other)).sort(), ['web_00', 'web_01', 'web_02']);
  assert.equal(page.requested.filter((url) => /state(:|%3A)/.test(url)).length, 0);
  await page.locator('#filter').fill('nothing is called this');
  await page.getByText('No process matches the filter.').waitFor();
  await close(page);
});

test('views show problems, what runs, what does not', async () => {
  const page = await signed_in(backend);
  await page.getByRole('button', { name: /^stopped/ }).click();
  await row(page, 'web_00').waitFor({ state: 'detached' });
  await row(page, 'backup').waitFor();
  await page.getByRole('button', { name: /^problems/ }).click();
  await row(page, 'broken').waitFor();
  await row(page, 'backup').waitFor({ state: 'detached' });
  assert.match(page.url(), /view=problems/);
  await close(page);
});

test('a group is selected as a whole, a range with shift', async () => {
  const page = await signed_in(backend);
  await page.getByLabel('Select all of web').check();
  await page.getByText('3 selected').waitFor();
  assert.equal(await page.getByLabel('Select web:web_01').isChecked(), true);
  await page.getByRole('button', { name: 'Clear' }).click();
  await page.getByLabel('Select web:web_00').check();
  await page.getByLabel('Select web:web_02').click({ modifiers: ['Shift'] });
  await page.getByText('3 selected').waitFor();
  assert.equal(await page.getByLabel('Select all of web').isChecked(), true);
  await page.getByLabel('Select web:web_01').uncheck();
  await page.getByText('2 selected').waitFor();
  assert.equal(await page.getByLabel('Select all of web').evaluate((box) => box.indeterminate),
    true);
  await close(page);
});

test('a transition is shown without a reload', async () => {
  const page = await signed_in(backend);
  await row(page, 'backup').locator('.state.stopped').waitFor();
  await backend.command('rpc', 'startProcess', 'backup', false);
  await row(page, 'backup').locator('.state.running').waitFor();
  await backend.command('rpc', 'stopProcess', 'backup');
  await row(page, 'backup').locator('.state.stopped').waitFor();
  await close(page);
});

test('the keyboard alone: move, select, open, ask, close, help', async () => {
  const page = await signed_in(backend);
  await row(page, 'web_00').waitFor();
  await page.keyboard.press('j');
  await until(page, () => document.activeElement.id === 'grid' &&
    document.getElementById(document.activeElement.getAttribute('aria-activedescendant')));
  for (let presses = 0; presses < 30; ++presses) {
    const cursor = await page.locator('.row.cursor').textContent();
    if (cursor.includes('web_01')) {
      break;
    }
    await page.keyboard.press('j');
  }
  await page.keyboard.press('k');
  await page.keyboard.press('j');
  await page.keyboard.press('x');
  await page.getByText('1 selected').waitFor();
  await page.keyboard.press('t');
  await page.getByRole('heading', { name: 'Stop web:web_01?' }).waitFor();
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached' });
  await page.keyboard.press('Enter');
  await page.locator('#drawer h2', { hasText: 'web:web_01' }).waitFor();
  await page.keyboard.press('l');
  await page.locator('.logs').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('#drawer').waitFor({ state: 'hidden' });
  await page.keyboard.press('Escape');
  await page.getByText('1 selected').waitFor({ state: 'hidden' });
  await page.keyboard.press('?');
  await page.getByRole('heading', { name: 'Keys' }).waitFor();
  await close(page);
});

test('a letter that is typed is no key', async () => {
  const page = await signed_in(backend);
  await page.keyboard.press('/');
  await page.keyboard.type('rstxl?');
  assert.equal(await page.locator('#filter').inputValue(), 'rstxl?');
  assert.equal(await page.locator('dialog').count(), 0);
  await close(page);
});

test('the names of the columns stay when one scrolls', async () => {
  const page = await signed_in(backend, { viewport: { width: 1440, height: 400 } });
  await row(page, 'web_00').waitFor();
  const head = page.locator('#grid .head');
  const { y } = await head.boundingBox();
  await page.locator('#grid').evaluate((grid) => grid.scrollTo(0, grid.scrollHeight));
  await until(page, () => document.getElementById('grid').scrollTop > 40);
  assert.equal((await head.boundingBox()).y, y);
  await close(page);
});

test('Back closes the drawer, and a link opens it', async () => {
  const page = await signed_in(backend);
  await row(page, 'mailer').click();
  await page.locator('#drawer h2', { hasText: 'mailer' }).waitFor();
  const link = page.url();
  await page.goBack();
  await page.locator('#drawer').waitFor({ state: 'hidden' });
  const other = await page.context().newPage();
  await other.goto(link);
  await other.locator('#drawer h2', { hasText: 'mailer' }).waitFor();
  await close(page);
});

test('on a phone nothing is wider than the screen', async () => {
  const page = await signed_in(backend, { viewport: { width: 390, height: 780 } });
  const fits = () => document.documentElement.scrollWidth <= innerWidth &&
    document.getElementById('grid').scrollWidth <= document.getElementById('grid').clientWidth;
  await row(page, 'broken').getByRole('button').waitFor();
  await until(page, fits);
  const filter = await page.locator('#filter').boundingBox();
  assert(filter.width > 200, `the filter is ${filter.width} wide`);
  await row(page, 'mailer').click();
  await page.locator('#drawer h2', { hasText: 'mailer' }).waitFor();
  await until(page, () => document.getElementById('drawer').getBoundingClientRect().width ===
    innerWidth);
  await page.getByRole('button', { name: 'Show log' }).click();
  await page.locator('.logs .line').first().waitFor();
  await until(page, fits);
  await close(page);
});
