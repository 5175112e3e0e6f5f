// Two answers side by side, a page to share, charts, a recording, estimates, long conversations.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ask, choose, composer, download, example, lastAnswer, longTalk, openPage, stage, startBrowser } from './app.mjs';

const here = stage();

test('two answers side by side', async () => {
  const page = await openPage(here.browser, here.url);
  await ask(page, 'What is 27 + 58?');
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Compare with Instant' }).click();
  const pair = page.getByRole('region', { name: 'Two answers' });
  await pair.waitFor();
  await pair.locator('footer').nth(1).waitFor();
  assert.deepEqual(await pair.locator('.way').allInnerTexts(), ['Thinking', 'Instant']);
  assert.deepEqual((await pair.locator('.prose').allInnerTexts()).map((text) => text.trim()), ['85', '85']);
  const [left, right] = await Promise.all([0, 1].map((i) => pair.locator('article').nth(i).boundingBox()));
  assert.ok(left.x + left.width <= right.x && Math.abs(left.y - right.y) < 2, 'side by side');
  await pair.getByRole('button', { name: 'Stop comparing' }).click();
  assert.equal(await page.locator('article[aria-label=Melete]').count(), 1);
  await page.check();
});

test('a page to share needs nothing else and runs nothing', async () => {
  const page = await openPage(here.browser, here.url);
  await page.locator('.welcome').getByRole('button', { name: 'How many red' }).click();
  await page.locator('article[aria-label=Melete] footer').waitFor();
  await page.getByRole('button', { name: 'Save this conversation' }).click();
  const saved = await download(page, () => page.getByRole('menuitem', { name: 'Save as a page' }).click());
  assert.equal(saved.name, 'how-many-red-shapes-are-there.html');
  const text = saved.text.toString();
  assert.ok(!/<script|https?:\/\//.test(text.replaceAll('http://www.w3.org', '')), 'nothing runs, nothing is loaded');
  const path = join(process.env.E2E_DIR ?? tmpdir(), 'melete-shared.html');
  writeFileSync(path, saved.text);
  const context = await here.browser.newContext({ offline: true });
  const shared = await context.newPage();
  await shared.goto(`file://${path}`);
  assert.equal(await shared.locator('img').evaluate((image) => image.naturalWidth), 168);
  assert.match(await shared.locator('body').innerText(), /How many red shapes are there\?[\s\S]*\b2\b/);
  await context.close();
  await page.check();
});

test('a table’s chart', async () => {
  const page = await openPage(here.browser, here.url);
  await page.locator('.welcome').getByRole('button', { name: 'price of milk' }).click();
  await page.locator('article[aria-label=Melete] footer').waitFor();
  await page.getByRole('button', { name: 'Chart' }).click();
  await page.getByRole('img', { name: 'Chart of price' }).locator('canvas').waitFor();
  await page.waitForTimeout(200);
  const inked = await page.locator('.chart canvas').evaluate((canvas) => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0));
  assert.ok(inked, 'something is drawn');
  await page.check();
});

test('a recording is attached and heard', async (t) => {
  const fake = await startBrowser(['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']);
  t.after(() => fake.close());
  const page = await openPage(fake, here.url, { permissions: ['microphone'] });
  await page.getByRole('button', { name: 'Record', exact: true }).click();
  await page.getByRole('button', { name: 'Stop recording and attach it' }).waitFor();
  await page.waitForTimeout(1500); // it has to hear something
  await page.getByRole('button', { name: 'Stop recording and attach it' }).click();
  await page.locator('.attached li').getByText(/\d kB/).waitFor();
  await ask(page, 'How many beeps are there?');
  assert.ok((await lastAnswer(page).innerText()).trim().length > 0);
  const seconds = await page.locator('article[aria-label=You] audio').evaluate((sound) => new Promise((done) => {
    if (sound.duration) return done(sound.duration);
    sound.onloadedmetadata = () => done(sound.duration);
  }));
  assert.ok(seconds > 0.8 && seconds < 10, `${seconds} s`);
  await page.check();
});

// The budget of an agent's reasoning, as a run's events have it.
async function budgetOf(reasoning_effort) {
  const body = { model: 'melete-thinking', reasoning_effort, stream: true, melete: { events: true }, messages: [{ role: 'user', content: 'What is 2 + 3?' }] };
  const response = await fetch(`${here.url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  return Number(/"max_reasoning_tokens":(\d+)/.exec(await response.text())[1]);
}

test('what an answer will take: a guess at first, then from what the last ones took', async () => {
  const efforts = ['minimal', 'low', 'medium', 'high', 'xhigh'];
  const budgets = [];
  for (const effort of efforts) budgets.push(await budgetOf(effort)); // the server knows its speed now
  const page = await openPage(here.browser, here.url);
  const hint = page.locator('.hint');
  await composer(page).fill('What is 2 + 3?');
  const guessed = [];
  for (const effort of ['Minimal', 'Low', 'Medium', 'High', 'Very high']) {
    await page.getByRole('button', { name: /^Effort/ }).click();
    await page.getByRole('menuitemradio', { name: new RegExp(`^${effort}`) }).click();
    const [, tokens] = /^Thinking: about [\d.]+ m?s and (\d+) tokens, a guess · Instant \S+ m?s, a guess · Contemplating \S+ m?s, a guess$/.exec(await hint.innerText()) ?? assert.fail(await hint.innerText());
    guessed.push(Number(tokens));
  }
  assert.deepEqual(guessed, budgets.map((budget) => budget + 20), 'the budgets are the server’s');
  await composer(page).fill('');
  let loads = 0;
  page.on('request', (request) => (loads += Number(/\/v1\/models$|\/metrics$/.test(request.url()))));
  await ask(page, 'What is 2 + 3?');
  await composer(page).fill('What is 3 + 3?');
  assert.match(await hint.innerText(), /^Thinking: about (\d+ ms|\d+\.\d s|\d\d+ s) and \d+ tokens, as lately · Instant \S+ m?s, a guess/);
  assert.equal(loads, 0, 'what the page loads at first isn’t loaded again by an answer');
  await page.check();
});

test('a question that waits for its file is asked once', async () => {
  const page = await openPage(here.browser, here.url);
  let arrive;
  await page.route('**/api/files', async (route) => {
    await new Promise((done) => (arrive = done));
    await route.continue();
  });
  await page.locator('input[type=file]').setInputFiles(example('shapes.png'));
  await composer(page).fill('How many red shapes are there?');
  await composer(page).press('Enter');
  await composer(page).press('Enter');
  let asked = 0;
  page.on('request', (request) => (asked += Number(request.url().endsWith('/answers'))));
  arrive();
  await page.locator('article[aria-label=Melete] footer').waitFor();
  await page.waitForTimeout(300); // a second question would follow at once
  assert.equal(asked, 1);
  assert.equal(await page.locator('article[aria-label=You]').count(), 1);
  await page.check();
});

test('two thousand messages', async () => {
  await choose(here.url, {});
  await longTalk(here.url);
  const page = await openPage(here.browser, here.url);
  await page.getByRole('link', { name: 'Long' }).click();
  await page.locator('article').getByText('Answer 1999').waitFor();
  assert.ok((await page.locator('article').count()) <= 40, 'only the end is drawn');
  const scroller = page.locator('[aria-label=Messages]');
  for (let count = 0; count < 200; count = await page.locator('article').count()) {
    const anchor = await page.locator('article').first().getAttribute('id');
    const top = () => page.evaluate((id) => document.getElementById(id).getBoundingClientRect().top, anchor);
    await scroller.evaluate((node) => (node.scrollTop = 300));
    await page.waitForTimeout(150);
    assert.ok(Math.abs((await top()) - (await top())) < 1);
    await scroller.evaluate((node) => (node.scrollTop = 0));
    await page.waitForTimeout(60);
  }
  await page.getByLabel('Search conversations').fill('Question 42');
  await page.locator('.hits a').filter({ hasText: /Question 42\b/ }).first().click();
  await page.locator('article').getByText('Question 42', { exact: true }).waitFor();
  assert.ok(await page.locator('article').getByText('Question 42', { exact: true }).isVisible());
  await page.check();
});
