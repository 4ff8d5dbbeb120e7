// Takes the pictures of docs/images: `run.py FOLDER --screenshots`. Not a test; what they show is a
// real agent and supervisord, but for the day's bar: that of an agent that runs for a minute is empty.

import { mkdtemp, readFile, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Backend, folder, row, signed_in, start_browser, stop_browser, until } from './harness.mjs';

const images = path.resolve(folder, '../../docs/images');
const largest = 150_000; // bytes of one picture
const wide = { viewport: { width: 1260, height: 690 } };

/** screenshots.conf, with the place of the program that writes logs. */
async function programs() {
  const text = await readFile(path.join(folder, 'screenshots.conf'), 'utf8');
  const place = await mkdtemp(path.join(os.tmpdir(), 'reeve-screenshots-'));
  await writeFile(path.join(place, 'programs.conf'), text.replaceAll('{web}', folder));
  return path.join(place, 'programs.conf');
}

const downs = { search: [61, 62], scheduler: [20, 47, 71, 88, 93, 94], importer: [90, 91, 92, 93, 94, 95] };

/** A day that has been watched: up, but for some quarters of an hour. */
async function invent_day(page) {
  await page.route('**/history', async (route) => {
    const response = await route.fetch();
    const answer = await response.json();
    const name = decodeURIComponent(route.request().url()).match(/:(\w+)\/history/)?.[1];
    answer.day.up = answer.day.up.map((share, slot) => name === 'backup' ? 0
      : name === 'nightly' ? (slot === 30 ? 0.4 : 0)
      : downs[name]?.includes(slot) ? (slot % 2 ? 0.4 : 0) : 1);
    await route.fulfill({ response, json: answer });
  });
}

async function take(page, name) {
  await page.mouse.move(0, 0);
  const file = path.join(images, `page-${name}.png`);
  await page.screenshot({ path: file, animations: 'disabled' });
  const { size } = await stat(file);
  console.log(`${file}: ${size} bytes`);
  if (size > largest) {
    throw new Error(`${file} is larger than ${largest} bytes`);
  }
}

const alert = (backend, name, process) => backend.api('POST', '/api/v1/alerts', { version: '4', alerts: [{
  status: 'firing', startsAt: new Date().toISOString(), fingerprint: `${name}${Date.now()}`,
  labels: { alertname: name, group: process, name: process } }] });

/** What there is to be seen: decisions, a cooldown, maintenance, an action of a person. */
async function prepare(backend) {
  await alert(backend, 'RehearsalNotAnswering', 'scheduler');
  await alert(backend, 'DownSearch', 'search');
  await backend.api('POST', '/api/v1/processes/mailer/restart?wait=30s', { reason: 'new certificate' });
  await backend.api('PUT', '/api/v1/maintenance/worker:*', { ttl: '42m', reason: 'new disk' });
}

async function open(backend, options = wide) {
  const page = await signed_in(backend, options);
  await invent_day(page);
  await page.reload();
  await row(page, 'importer').locator('.state.fatal').waitFor();
  await row(page, 'scheduler').and(page.locator('.problem')).waitFor();
  await until(page, () => document.querySelectorAll('.row svg.day').length >= 6 ||
    innerWidth < 600);
  return page;
}

async function open_process(page, name) {
  await row(page, name).click();
  await page.locator('#drawer h2', { hasText: name }).waitFor();
  await page.locator('#drawer .history li').first().waitFor();
}

async function desktop(backend) {
  const page = await open(backend);
  await take(page, 'problems');
  await open_process(page, 'search');
  await alert(backend, 'DownSearch', 'search');
  await page.locator('#drawer .card', { hasText: 'short while ago' }).waitFor();
  await page.locator('#drawer svg.curve').nth(1).waitFor();
  await take(page, 'process');
  await open_process(page, 'mailer');
  await page.getByRole('button', { name: 'Show log' }).click();
  await page.getByLabel('Search the log').fill('deferred');
  await page.locator('.logs mark').nth(1).waitFor();
  await take(page, 'logs');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await page.getByLabel('Select all of web').check();
  await page.locator('.selection').getByRole('button', { name: /^Restart/ }).click();
  await page.locator('dialog').getByLabel('Reason').fill('new release');
  await page.locator('dialog').getByRole('button', { name: 'Restart 4' }).click();
  await page.locator('#progress li.good').nth(1).waitFor();
  await take(page, 'group');
  await page.locator('#progress article.good').waitFor();
}

async function dark_and_phone(backend) {
  const dark = await open(backend, { ...wide, colorScheme: 'dark' });
  await open_process(dark, 'scheduler');
  await dark.locator('#drawer .card', { hasText: 'would act' }).waitFor();
  await take(dark, 'dark');
  const phone = await open(backend, { viewport: { width: 390, height: 780 }, deviceScaleFactor: 1.5 });
  await take(phone, 'phone');
}

const backend = await Backend.start(await programs());
try {
  await start_browser();
  await prepare(backend);
  await desktop(backend);
  await dark_and_phone(backend);
} finally {
  await stop_browser();
  await backend.stop();
}
