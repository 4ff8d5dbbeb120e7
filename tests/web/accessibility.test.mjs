// axe-core finds nothing above minor in any view, light or dark, wide or narrow.

import { test } from 'node:test';
import { assert_accessible, backend_for_tests, close, new_window, row, signed_in } from './harness.mjs';

const backend = backend_for_tests();

for (const colorScheme of ['light', 'dark']) {
  test(`every view, ${colorScheme}`, async () => {
    const page = await new_window({ colorScheme });
    await page.goto(backend.url);
    await page.getByLabel('Token').waitFor();
    await assert_accessible(page, 'sign in');
    await close(page);
    const inside = await signed_in(backend, { colorScheme });
    await row(inside, 'broken').waitFor();
    await inside.getByLabel('Select all of web').check();
    await assert_accessible(inside, 'table');
    await row(inside, 'flaky').click();
    await inside.getByRole('button', { name: 'Show log' }).click();
    await inside.locator('.line').first().waitFor();
    await assert_accessible(inside, 'drawer');
    await inside.locator('.selection').getByRole('button', { name: /^Restart/ }).click();
    await inside.locator('dialog').waitFor();
    await assert_accessible(inside, 'question');
    await inside.locator('dialog').getByRole('button', { name: 'Restart 3' }).click();
    await inside.locator('#progress article').waitFor();
    await assert_accessible(inside, 'progress');
    await backend.api('PUT', '/api/v1/maintenance/*', { ttl: '1h', reason: 'axe' });
    await inside.locator('.banner').waitFor();
    await assert_accessible(inside, 'banner');
    await inside.getByRole('button', { name: 'Update…' }).click();
    await inside.getByText('It is as its files say.').waitFor();
    await assert_accessible(inside, 'configuration');
    await inside.keyboard.press('Escape');
    await inside.keyboard.press('?');
    await inside.locator('dialog').waitFor();
    await assert_accessible(inside, 'keys');
    await close(inside);
  });
}

test('on a phone', async () => {
  const page = await signed_in(backend, { viewport: { width: 390, height: 780 } });
  await row(page, 'broken').waitFor();
  await assert_accessible(page, 'table');
  await row(page, 'mailer').click();
  await page.locator('#drawer h2').waitFor();
  await assert_accessible(page, 'drawer');
  await close(page);
});
