// The developer's drawer: requests, tokens, playground, engine.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { ask, choose, composer, openPage, stage } from './app.mjs';

const here = stage();

test('requests are shown with body, events and a curl line that works', async () => {
  await choose(here.url, {});
  const page = await openPage(here.browser, here.url);
  await composer(page).waitFor();
  await page.keyboard.press('Control+.');
  const drawer = page.getByRole('complementary', { name: 'For developers' });
  await drawer.getByText('Nothing was asked yet.').waitFor();
  await page.setViewportSize({ width: 1500, height: 860 });
  await ask(page, 'What is 2 + 3?');
  await drawer.getByRole('button', { name: /POST\s*\/api\/conversations\/\S+\/answers.*200.*events/ }).click();
  await drawer.getByRole('region', { name: 'Events' }).getByText(/run\.completed/).waitFor();
  assert.match(await drawer.getByRole('region', { name: 'Body' }).innerText(), /"content": "What is 2 \+ 3\?"/);
  const line = await drawer.getByRole('region', { name: 'As curl' }).innerText();
  assert.match(execFileSync('bash', ['-c', `${line} -sS --max-time 30`]).toString(), /event: done/);
  await page.keyboard.press('Escape');
  await drawer.waitFor({ state: 'detached' });
  await page.check();
});

test('tokens, playground and engine', async () => {
  const page = await openPage(here.browser, here.url);
  await page.getByRole('button', { name: 'For developers' }).click();
  await page.getByRole('tab', { name: 'Requests' }).press('ArrowRight');
  await page.getByLabel('Text', { exact: true }).fill('apples 🙂');
  await page.waitForFunction(() => document.querySelectorAll('ol[aria-label=Tokens] li').length > 1);
  const { tokens } = await (await fetch(`${here.url}/v1/tokenize`, { method: 'POST', body: JSON.stringify({ model: 'melete-nano', text: 'apples 🙂' }) })).json();
  await page.waitForFunction((count) => document.querySelectorAll('ol[aria-label=Tokens] li').length === count, tokens.length);
  assert.deepEqual(await page.locator('ol[aria-label=Tokens] small').allInnerTexts(), tokens.map((token) => String(token.id)));
  await page.getByRole('tab', { name: 'Playground' }).click();
  await page.getByRole('button', { name: 'Send it' }).click();
  await page.getByRole('region', { name: 'What came back' }).getByText(/data: \[DONE\]/).waitFor();
  await page.getByLabel('Body').fill('{');
  assert.ok(await page.getByRole('button', { name: 'Send it' }).isDisabled());
  await page.getByLabel('Body').fill('{"model": "none"}');
  await page.getByRole('button', { name: 'Send it' }).click();
  await page.getByText('400', { exact: true }).or(page.getByText('404', { exact: true })).waitFor();
  await page.getByRole('tab', { name: 'Engine' }).click();
  await page.getByText('Pages of keys and values').waitFor();
  await page.waitForFunction(() => /[LM]/.test(document.querySelector('aside figure path')?.getAttribute('d')?.slice(1) ?? ''));
  await page.check();
});
