// Logs: both streams, followed, searched, coloured, and whatever bytes are in them.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { backend_for_tests, close, row, signed_in, until } from './harness.mjs';

const backend = backend_for_tests();

async function open_log(page, name) {
  await row(page, name).click();
  await page.locator('#drawer h2', { hasText: name }).waitFor();
  await page.getByRole('button', { name: 'Show log' }).click();
  await page.locator('.logs .text').waitFor();
}

const write = (text) => backend.command('append', 'colours.log', text);

test('a log is followed until one scrolls up', async () => {
  const page = await signed_in(backend);
  await open_log(page, 'colours');
  await write('the first line of many\n');
  await page.locator('.line', { hasText: 'the first line of many' }).waitFor();
  await write(`${Array.from({ length: 100 }, (_, at) => `line ${at}`).join('\n')}\n`);
  await page.locator('.line', { hasText: 'line 99' }).waitFor();
  const at_end = () => {
    const text = document.querySelector('.logs .text');
    return text.scrollHeight - text.scrollTop - text.clientHeight < 8;
  };
  await until(page, at_end);
  await page.locator('.logs .text').evaluate((text) => text.scrollTo(0, 0));
  await page.locator('.logs [aria-pressed=false]', { hasText: 'Follow' }).waitFor();
  await write('written meanwhile\n');
  await page.locator('.line', { hasText: 'written meanwhile' }).waitFor();
  assert.equal(await page.evaluate(at_end), false);
  await page.getByRole('button', { name: 'Follow' }).click();
  await until(page, at_end);
  await close(page);
});

test('what is written now has its time of arrival', async () => {
  const page = await signed_in(backend);
  await open_log(page, 'mailer');
  await page.locator('.line time').first().waitFor();
  assert.match(await page.locator('.line time').first().textContent(), /^\d\d:\d\d:\d\d $/);
  await close(page);
});

test('colours are obeyed, other escape sequences are shown', async () => {
  const page = await signed_in(backend);
  await open_log(page, 'colours');
  await write('\x1b[31mred\x1b[0m \x1b[1;38;5;208morange\x1b[0m \x1b[2Jcleared \x1b]0;title\x07.\n');
  const line = page.locator('.line', { hasText: 'cleared' });
  await line.waitFor();
  assert.equal(await line.locator('.f1').textContent(), 'red');
  assert.equal(await line.locator('.bold').textContent(), 'orange');
  assert.equal(await line.locator('.bold').evaluate((piece) => piece.style.color), 'rgb(255, 135, 0)');
  assert.match(await line.textContent(), /⟨U\+001B⟩\[2Jcleared ⟨U\+001B⟩\]0;title⟨U\+0007⟩\./);
  await close(page);
});

test('bytes that are not UTF-8 are shown, not interpreted', async () => {
  const page = await signed_in(backend);
  await open_log(page, 'colours');
  await write('bytes \xff\xfe\xc3( and gr\xc3\xbc\xc3\x9fe\n'); // latin-1 is how they are sent
  const line = page.locator('.line', { hasText: 'bytes' }).last();
  await line.waitFor();
  assert.match(await line.textContent(), /bytes \\xFF\\xFE\\xC3\( and grüße/);
  await close(page);
});

test('a search marks what it finds, also over colours, and goes from one to the next', async () => {
  const page = await signed_in(backend);
  await open_log(page, 'colours');
  await write('needle one\nsome \x1b[32mnee\x1b[0mdle two\nNEEDLE three\n');
  await page.locator('.line', { hasText: 'NEEDLE three' }).waitFor();
  await page.getByLabel('Search the log').fill('needle');
  await page.locator('.logs mark').first().waitFor();
  const count = await page.locator('.logs mark').count();
  assert.equal(count, 4); // the second is in two colours
  await page.keyboard.press('Enter');
  await page.locator('mark.current').waitFor();
  assert.match(await page.locator('.logs .tools').textContent(), /1 of 4/);
  await close(page);
});

test('the past is shown on demand, and the whole log is to be had', async () => {
  const page = await signed_in(backend);
  const many = Array.from({ length: 4000 }, (_, at) => `old line ${at}`).join('\n');
  await write(`the very beginning\n${many}\n`);
  await open_log(page, 'colours');
  await page.locator('.line', { hasText: 'old line 3999' }).waitFor();
  assert.equal(await page.locator('.line', { hasText: 'the very beginning' }).count(), 0);
  await page.getByRole('button', { name: 'Earlier' }).click();
  await page.locator('.line', { hasText: 'the very beginning' }).waitFor();
  const [download] = await Promise.all([page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download' }).click()]);
  assert.equal(download.suggestedFilename(), 'colours-colours.stdout.log');
  const text = await readFile(await download.path(), 'latin1');
  assert.match(text, /the very beginning\nold line 0\n/);
  await close(page);
});

test('stderr, and both at once', async () => {
  const page = await signed_in(backend);
  await row(page, 'flaky').click();
  await page.getByRole('button', { name: 'Show log' }).click();
  await page.locator('.line', { hasText: 'stderr out of luck' }).first().waitFor();
  await page.locator('.logs').getByRole('button', { name: 'stderr' }).click();
  await page.locator('.line', { hasText: /out of luck/ }).first().waitFor();
  await page.locator('.line', { hasText: /stderr / }).first().waitFor({ state: 'detached' });
  await close(page);
});

test('several logs in one stream, with their names', async () => {
  const page = await signed_in(backend);
  await page.getByLabel('Select mailer').check();
  await page.getByLabel('Select colours').check();
  await page.locator('.selection').getByRole('button', { name: 'Logs' }).click();
  await page.locator('#drawer h2', { hasText: 'Logs of 2 processes' }).waitFor();
  await write('from the other\n');
  await page.locator('.line', { hasText: 'colours from the other' }).waitFor();
  await page.locator('.line', { hasText: 'mailer tick' }).first().waitFor();
  await close(page);
});
