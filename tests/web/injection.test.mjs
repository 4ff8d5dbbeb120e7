// Everything that others wrote (names, log lines, reasons, labels of alerts) is text, and nothing
// else: no script, no element, no style, no order of characters that deceives.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backend_for_tests, close, row, signed_in, until } from './harness.mjs';

const attempts = [
  '<script>alert(1)</script>', '<img src=x onerror=alert(2)>', '"><svg onload=alert(3)>',
  "'-alert(4)-'", '</title><script>alert(5)</script>', '<style>*{display:none}</style>',
  'javascript:alert(6)', '{{constructor.constructor("alert(7)")()}}', '${alert(8)}',
  '<a href="javascript:alert(9)">x</a>', '<iframe srcdoc="<script>alert(10)</script>">',
  '\u202egnp.exe\u2066', 'a\u0000b\u200bc', '&lt;b&gt;', '<b>bold</b>', '<base href=//x.test/>',
];

/** How the page shows it: what deceives is named. */
const shown = (text) => text.replace(/[\u202e\u2066\u200b]/g, (each) =>
  `⟨U+${each.codePointAt(0).toString(16).toUpperCase()}⟩`);

const backend = backend_for_tests('injection.conf');

/** Nothing of it became an element, nothing is asked of anybody else. */
async function assert_unharmed(page) {
  const found = await page.evaluate(() => ({
    elements: [...document.querySelectorAll('body script, body style, img, iframe, base, a, object')]
      .map((each) => each.outerHTML),
    handlers: [...document.querySelectorAll('*')].flatMap((each) => [...each.attributes])
      .filter(({ name }) => name.startsWith('on')).map(({ name }) => name),
    bold: [...document.querySelectorAll('b')].some((each) => each.textContent === 'bold'),
    seen: getComputedStyle(document.body).display,
    deceptive: /[\u202a-\u202e\u2066-\u2069\u200b]/.test(document.body.innerText + document.title),
  }));
  assert.deepEqual(found.elements, []);
  assert.deepEqual(found.handlers, []);
  assert.equal(found.bold, false);
  assert.notEqual(found.seen, 'none');
  assert.equal(found.deceptive, false);
  assert.deepEqual(page.requested.filter((url) => !url.startsWith(backend.url)), []);
}

test('names of programs', async () => {
  const page = await signed_in(backend);
  const names = page.locator('#grid .body .name');
  await names.filter({ hasText: 'onerror' }).waitFor();
  const texts = await names.allTextContents();
  assert(texts.includes('<img\tsrc=x\tonerror=alert(1)>'));
  assert(texts.includes('}*{display=none}'));
  assert(texts.includes('bidi⟨U+202E⟩gnp.exe'));
  for (let at = 0; at < texts.length; ++at) {
    const name = await names.nth(at).textContent();
    await names.nth(at).click();
    await page.locator('#drawer h2', { hasText: name }).waitFor();
    await page.locator('#drawer').getByRole('button', { name: /^(Stop|Start)…/ }).click();
    await page.locator('dialog').waitFor();
    await assert_unharmed(page);
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'detached' });
  }
  await page.keyboard.press('a');
  await page.locator('.selection', { hasText: 'selected' }).waitFor();
  await assert_unharmed(page);
  await page.locator('#menu').getByRole('button', { name: 'Silence alerts…' }).click();
  await page.locator('dialog').waitFor();
  await assert_unharmed(page);
  await close(page);
});

test('an action on such a name goes to this process', async () => {
  const page = await signed_in(backend);
  const name = '"><script>alert(2)<script>';
  await row(page, name).click();
  await page.locator('#drawer').getByRole('button', { name: 'Start…' }).click();
  await page.locator('dialog').getByRole('button', { name: 'Start', exact: true }).click();
  await page.locator('#progress article.good').waitFor();
  assert.equal((await backend.command('rpc', 'getProcessInfo', name)).statename, 'RUNNING');
  await assert_unharmed(page);
  await close(page);
});

test('lines of a log', async () => {
  const page = await signed_in(backend);
  await row(page, 'log').click();
  await page.getByRole('button', { name: 'Show log' }).click();
  const text = attempts.map((each) => Buffer.from(each, 'utf8').toString('latin1')).join('\n');
  await backend.command('append', 'colours.log',
    `${text}\n\x1b[31;"><script>alert(1)</script>m\n\x1b]8;;javascript:alert(1)\x07link\n` +
    '\x1b[38;2;1;2;url(//x.test)m\nthe last line\n');
  await page.locator('.line', { hasText: 'the last line' }).waitFor();
  await assert_unharmed(page);
  await page.getByLabel('Search the log').fill('<script>');
  await page.locator('.logs mark').first().waitFor();
  await assert_unharmed(page);
  await close(page);
});

test('an address that somebody sends', async () => {
  const page = await signed_in(backend);
  for (const attempt of attempts) {
    await page.evaluate((text) => {
      location.hash = new URLSearchParams({ filter: text, view: text, process: text });
    }, attempt);
    await until(page, () => document.getElementById('filter').value !== '');
    await page.locator('#filter').fill('');
  }
  await assert_unharmed(page);
  await close(page);
});

test('reasons of people and labels of alerts', async () => {
  const page = await signed_in(backend);
  await row(page, 'log').click();
  await page.locator('#drawer h2', { hasText: 'log' }).waitFor();
  for (const [at, attempt] of attempts.entries()) {
    const reason = attempt.replaceAll('\0', '');
    await backend.api('POST', '/api/v1/processes/log/start?wait=30s', { reason });
    await backend.api('POST', '/api/v1/alerts', { version: '4', alerts: [{
      status: 'firing', startsAt: new Date().toISOString(), fingerprint: `<b>${at}`,
      labels: { alertname: `Wait ${reason}`, group: 'log', name: 'log', severity: reason } }] });
    await page.locator('#drawer .card', { hasText: shown(`pending: Wait ${reason}`) }).waitFor();
    await assert_unharmed(page);
  }
  await backend.api('POST', '/api/v1/processes/log/restart?wait=30s', { reason: attempts[0] });
  await page.locator('#drawer .history', { hasText: attempts[0] }).waitFor();
  const all = attempts.join(' ').replaceAll('\0', '');
  await backend.api('PUT', '/api/v1/maintenance/log:log', { ttl: '1h', reason: all });
  await page.locator('.banner', { hasText: shown(all) }).waitFor();
  await assert_unharmed(page);
  await close(page);
});
