// A client certificate signs in by itself, over TLS; without one the page asks for a token.

import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { backend_for_tests, close, new_window, row, sign_in } from './harness.mjs';

const backend = backend_for_tests('programs.conf', 'certificate.yaml');

const certificate = (name) => ({ ignoreHTTPSErrors: true, clientCertificates: [{
  origin: new URL(backend.url).origin, certPath: path.join(backend.certificates, `${name}.pem`),
  keyPath: path.join(backend.certificates, `${name}.key`) }] });

test('a certificate that the configuration names signs in by itself, and may act', async () => {
  const page = await new_window(certificate('client'));
  await page.goto(backend.url);
  await row(page, 'web_00').waitFor();
  assert.deepEqual(await page.context().cookies(), []);
  await page.getByRole('button', { name: 'Sign out ops.example' }).waitFor();
  await row(page, 'mailer').click();
  await page.locator('#drawer').getByRole('button', { name: 'Restart…' }).click();
  await page.locator('dialog').getByRole('button', { name: 'Restart', exact: true }).click();
  await page.locator('#progress article.good').waitFor();
  // Its scopes hold here, too: it may not read logs.
  assert.equal(await page.getByRole('button', { name: 'Show log' }).count(), 0);
  await close(page);
});

test('without a certificate a token makes a session, whose cookie is for TLS alone', async () => {
  const page = await new_window({ ignoreHTTPSErrors: true });
  await page.goto(backend.url);
  await sign_in(page, backend.token);
  await row(page, 'web_00').waitFor();
  const [cookie] = await page.context().cookies();
  assert.equal(cookie.name, '__Host-reeve_session');
  assert.equal(cookie.secure, true);
  await page.reload();
  await row(page, 'web_00').waitFor();
  await close(page);
});
