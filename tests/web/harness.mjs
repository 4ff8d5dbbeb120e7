// What each test of the page stands on: a real agent and supervisord (backend.py), and Debian's
// Chromium. Nothing here waits for a time, all for a condition.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import readline from 'node:readline';
import { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';

export const folder = path.dirname(fileURLToPath(import.meta.url));
// Where npm installed what package.json names: run.py says it.
export const require = createRequire(path.join(process.env.WEB_MODULES ?? folder, 'x'));
const { chromium } = require('playwright-core');

export const patience = 60_000; // milliseconds until a test gives up on what must happen

/** Python with a supervisord and an agent: `command(name, argument...)` has it do something. */
export class Backend {
  #child;
  #lines;

  static async start(programs, config) {
    const backend = new Backend();
    await backend.start(programs, config);
    return backend;
  }

  async start(programs = 'programs.conf', config = 'config.yaml') {
    this.#child = spawn('python3', [path.join(folder, 'backend.py'),
      path.resolve(folder, programs), path.resolve(folder, config)],
    { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = readline.createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    Object.assign(this, await this.#answer());
  }

  async #answer() {
    const { value, done } = await this.#lines.next();
    assert(!done, 'the backend ended');
    return JSON.parse(value);
  }

  async command(...words) {
    this.#child.stdin.write(`${JSON.stringify(words)}\n`);
    const { result, error } = await this.#answer();
    assert(!error, `${words[0]}: ${error}`);
    return result;
  }

  /** Asks the agent's API; the parsed body. */
  async api(method, place, body) {
    const { status, body: text } = await this.command('control', method, place, body);
    assert(status < 400, `${method} ${place}: ${status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  async stop() {
    if (!this.#child) {
      return;
    }
    const ended = new Promise((resolve) => this.#child.on('exit', resolve));
    this.#child.stdin.end();
    await ended;
  }
}

/** A way to the agent that can be cut: `url` is like the agent's own. */
export class Wire {
  #sockets = new Set();
  #is_cut = false;

  static async to(backend) {
    const wire = new Wire();
    const { port } = new URL(backend.url);
    wire.server = net.createServer((socket) => {
      const other = wire.#is_cut ? null : net.connect(Number(port), '127.0.0.1');
      for (const end of [socket, other ?? socket]) {
        end.on('error', () => {});
        end.on('close', () => {
          socket.destroy();
          other?.destroy();
          wire.#sockets.delete(end);
        });
        wire.#sockets.add(end);
      }
      if (other) {
        socket.pipe(other).pipe(socket);
      } else {
        socket.destroy();
      }
    });
    await new Promise((resolve) => wire.server.listen(0, '127.0.0.1', resolve));
    wire.url = `http://localhost:${wire.server.address().port}/`;
    return wire;
  }

  cut() {
    this.#is_cut = true;
    this.#sockets.forEach((socket) => socket.destroy());
  }

  mend() {
    this.#is_cut = false;
  }

  close() {
    this.cut();
    this.server.close();
  }
}

let browser = null;

export async function start_browser() {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

export async function stop_browser() {
  await browser?.close();
}

/**
 * The browser and a backend: there before the first test of the file, until after the last.
 * `prepare` is awaited when they are.
 */
export function backend_for_tests(programs, config, prepare = async () => {}) {
  const backend = new Backend();
  before(async () => {
    await start_browser();
    await backend.start(programs, config);
    await prepare();
  });
  after(async () => {
    await stop_browser();
    await backend.stop();
  });
  return backend;
}

/** A window of its own, without anything kept. `faults` collects what no page may cause. */
export async function new_window(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 820 }, ...options });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  watch(page);
  return page;
}

export function watch(page) {
  page.faults = [];
  page.requested = [];
  page.on('pageerror', (error) => page.faults.push(error.stack));
  page.on('dialog', (dialog) => {
    page.faults.push(`a script ran: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on('console', (message) => {
    if (/Content Security Policy|Trusted|violates/i.test(message.text())) {
      page.faults.push(message.text());
    }
  });
  page.on('request', (request) => page.requested.push(request.url()));
  page.under_way = 0; // requests without an answer, but for the stream of events
  const counts = (by) => (request) => page.under_way += request.url().endsWith('/events') ? 0 : by;
  page.on('request', counts(1));
  page.on('requestfinished', counts(-1));
  page.on('requestfailed', counts(-1));
}

/** At the page, with a session. */
export async function signed_in(backend, { token = backend.token, keep = true, ...options } = {}) {
  const page = await new_window(options);
  await page.goto(backend.url);
  await sign_in(page, token, keep);
  return page;
}

export async function sign_in(page, token, keep = true) {
  await page.getByLabel('Token').fill(token);
  await page.getByLabel('Keep me signed in').setChecked(keep);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('#live', { hasText: 'live' }).waitFor();
}

export async function close(page) {
  const { faults } = page;
  await page.context().close();
  assert.deepEqual(faults, []);
}

/** The row of a process, by its name. */
export function row(page, name) {
  return page.locator('#grid .body .row', { has: page.locator('.name', {
    hasText: new RegExp(`^${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`) }) });
}

/** Nothing above minor. Evaluated through the debugger: the page's own policy lets nobody add a script. */
export async function assert_accessible(page, view) {
  await page.evaluate(await readFile(require.resolve('axe-core/axe.min.js'), 'utf8'));
  const { violations } = await page.evaluate(() => window.axe.run());
  const serious = violations.filter((each) => each.impact !== 'minor')
    .map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.map((node) => node.html) }));
  assert.deepEqual(serious, [], view);
}

/**
 * Until the function, run in the page with `argument`, is true. Each time by the debugger: what waits
 * inside the page (waitForFunction) is refused by its policy, unless it is true at once.
 */
export async function until(page, condition, argument) {
  await eventually(() => page.evaluate(condition, argument), condition);
}

/** Until the condition outside of the page is true. */
export async function eventually(condition, what) {
  const deadline = Date.now() + patience;
  while (!await condition()) {
    assert(Date.now() < deadline, `waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
