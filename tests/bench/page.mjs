// Opens the status page in Chromium and says what it costs: page.mjs URL TOKEN SOCKET SECONDS, where
// SOCKET is supervisord's. Each line on standard input is a phase (open, stand, transitions, scroll),
// answered by one line of JSON.

import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import readline from 'node:readline';

const [, , url, token, socket, seconds] = process.argv;
const { chromium } = createRequire(path.join(process.env.WEB_MODULES, 'x'))('playwright-core');

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-dev-shm-usage'] });
const opened = 5; // times, each without anything cached; the browser itself runs already
let page;
let bytes = 0;

async function new_page() {
  await page?.context().close();
  const context = await browser.newContext({ viewport: { width: 1440, height: 820 } });
  page = await context.newPage();
  const wire = await context.newCDPSession(page);
  await wire.send('Network.enable');
  wire.on('Network.dataReceived', (event) => bytes += event.encodedDataLength);
  bytes = 0;
  await page.goto(url);
  await page.getByLabel('Token').waitFor();
  return page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime);
}

async function open() {
  await new_page(); // the first one starts parts of the browser
  const first_paints = [];
  for (let at = 0; at < opened; ++at) {
    first_paints.push(await new_page());
  }
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('#grid .body .row').first().waitFor();
  return { bytes, first_paints };
}

/** Frames and those that came late, while `moves` scrolls in each. */
async function frames(moves) {
  bytes = 0;
  const facts = await page.evaluate(async ([milliseconds, scrolls]) => {
    const grid = document.getElementById('grid');
    const gaps = [];
    let last = await new Promise(requestAnimationFrame);
    for (const end = last + milliseconds; last < end;) {
      const now = await new Promise(requestAnimationFrame);
      gaps.push(now - last);
      last = now;
      if (scrolls) {
        grid.scrollTop = (grid.scrollTop + 120) % (grid.scrollHeight - grid.clientHeight);
      }
    }
    const usual = [...gaps].sort((a, b) => a - b)[Math.floor(gaps.length / 2)];
    return { frames: gaps.length, usual,
      dropped: gaps.reduce((sum, gap) => sum + Math.max(0, Math.round(gap / usual) - 1), 0) };
  }, [1000 * seconds, moves]);
  return { ...facts, bytes };
}

/** Has supervisord begin to stop a process, which it does and tells at once. */
function stop_process(name) {
  const body = '<?xml version="1.0"?><methodCall><methodName>supervisor.stopProcess</methodName><params>' +
    `<param><value><string>${name}</string></value></param>` +
    '<param><value><boolean>0</boolean></value></param></params></methodCall>';
  const request = http.request({ socketPath: socket, path: '/RPC2', method: 'POST',
    headers: { 'Content-Type': 'text/xml', 'Content-Length': body.length } });
  request.on('response', (response) => response.resume());
  request.end(body);
}

/** Milliseconds from a request to stop a process until the page shows that it stops. */
async function transitions() {
  const answer = await page.request.get(`${url}api/v1/processes?group=steady`);
  const names = (await answer.json()).slice(0, 20).map((each) => each.name);
  await page.locator('#filter').fill('steady_0');
  const milliseconds = [];
  for (const name of names) {
    const shown = page.evaluate((wanted) => new Promise((resolve) => {
      const row = [...document.querySelectorAll('#grid .row')].find((each) =>
        each.querySelector('.name')?.textContent === wanted);
      const observer = new MutationObserver(() => {
        if (/STOP/.test(row.querySelector('.state').textContent)) {
          observer.disconnect();
          // What is in the tree is seen with the next frame.
          requestAnimationFrame(() => resolve(Date.now()));
        }
      });
      observer.observe(row, { subtree: true, childList: true, characterData: true });
      document.body.dataset.observed = wanted;
    }), name);
    await page.locator(`body[data-observed="${name}"]`).waitFor();
    const begin = Date.now();
    stop_process(`steady:${name}`);
    milliseconds.push(await shown - begin);
  }
  await page.locator('#filter').fill('');
  return { milliseconds };
}

const phases = { open, transitions, stand: () => frames(false), scroll: () => frames(true) };
for await (const phase of readline.createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await phases[phase]()));
}
await browser.close();
