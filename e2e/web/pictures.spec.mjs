// The pictures that docs/ shows, taken of the app as it is: into docs/ with SHOTS=docs, else beside the test's other files.
import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { choose, composer, example, openPage, root, slowDown, speedUp, stage, talkOf } from './app.mjs';

const here = stage();
const folder = process.env.SHOTS ? resolve(root, process.env.SHOTS) : (process.env.E2E_DIR ?? tmpdir());

async function shoot(page, name) {
  await page.mouse.move(2, 2);
  await page.evaluate(() => document.activeElement instanceof HTMLElement && document.activeElement.blur());
  await page.waitForTimeout(400); // what moves arrives
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: 78 });
  const path = join(folder, `${name}.webp`);
  writeFileSync(path, Buffer.from(data, 'base64'));
  const { size } = statSync(path);
  assert.ok(size > 8_000 && size < 130_000, `${name}: ${size} bytes`);
}
const large = (more = {}) => openPage(here.browser, here.url, { viewport: { width: 1180, height: 820 }, deviceScaleFactor: 1.5, ...more });
const answered = (page) => page.locator('article[aria-label=Melete] footer').last().waitFor();
const press = (page, question) => page.locator('.welcome').getByRole('button', { name: question }).click();

test('a small history to show', async () => {
  await choose(here.url, { seed: 1 });
  for (const [title, question, answer] of [
    ['Words for a walk in the woods', 'Words for a walk?', 'Moss, fern, creek.'],
    ['Prices at the market', 'Prices?', 'Milk 3.'],
    ['What the label says', 'The label?', '230 kcal.'],
  ])
    await talkOf(here.url, title, question, answer);
});

test('a picture and its marks', async () => {
  const page = await large();
  await press(page, 'How many red');
  await answered(page);
  await page.locator('.steps .scrub').waitFor();
  await shoot(page, 'app');
  await page.context().close();
});

test('agents', async () => {
  const page = await large();
  await press(page, '27 + 58');
  await answered(page);
  await page.locator('.panel .fold').click().catch(() => {});
  if (!(await page.locator('.panel .lane').count())) await page.locator('.panel .fold').click();
  await page.locator('.panel .lane').nth(7).waitFor();
  await shoot(page, 'app-agents');
  await page.context().close();
});

test('a template that runs', async () => {
  const page = await large();
  await page.goto(`${here.url}/#/artifacts/muscles`);
  await page.getByRole('dialog').frameLocator('iframe').getByRole('button', { name: /^biceps/ }).press('Enter');
  await shoot(page, 'app-artifact');
  await page.context().close();
});

test('the first page on a phone, in the dark', async () => {
  await choose(here.url, {});
  const page = await large({ viewport: { width: 390, height: 780 }, deviceScaleFactor: 2, colorScheme: 'dark', hasTouch: true, isMobile: true });
  await page.locator('.welcome').waitFor();
  await shoot(page, 'app-phone');
  await page.context().close();
});

test('marking a picture', async () => {
  const page = await large();
  await page.locator('input[type=file]').setInputFiles(example('shapes.png'));
  await page.getByRole('button', { name: 'Mark shapes.png' }).click();
  const dialog = page.getByRole('dialog');
  const picture = dialog.getByRole('img', { name: 'shapes.png' });
  await picture.evaluate((image) => image.decode());
  const { x, y, width, height } = await picture.boundingBox();
  await page.mouse.move(x + 0.26 * width, y + 0.08 * height);
  await page.mouse.down();
  await page.mouse.move(x + 0.55 * width, y + 0.34 * height, { steps: 3 });
  await page.mouse.up();
  await dialog.getByLabel('What mark 1 is about').fill('this one');
  await shoot(page, 'app-marking');
  await page.context().close();
});

test('the developer’s drawer, in the dark', async () => {
  const page = await large({ colorScheme: 'dark' });
  await composer(page).waitFor();
  await page.keyboard.press('Control+.');
  await page.getByRole('tab', { name: 'Engine' }).click();
  await page.getByText('Pages of keys and values').waitFor();
  await slowDown(here.url); // something for it to do
  await page.waitForTimeout(8000);
  await shoot(page, 'app-engine');
  await speedUp();
  await page.context().close();
});
