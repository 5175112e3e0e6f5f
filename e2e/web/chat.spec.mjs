// Conversations: modes, files, stopping, coming back, branches, search, keeping and deleting.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, test } from 'node:test';
import { ask, choose, composer, download, example, lastAnswer, openPage, slowDown, speedUp, stage } from './app.mjs';

const here = stage();
beforeEach(() => choose(here.url, {}));
afterEach(speedUp);

const answers = (page) => page.locator('article[aria-label=Melete]');

test('the three modes', async () => {
  const page = await openPage(here.browser, here.url);
  for (const mode of ['Instant', 'Thinking', 'Contemplating']) {
    await page.getByRole('radio', { name: mode }).check({ force: true });
    await ask(page, 'What is 27 + 58?');
    // A small model is led astray by what it said before.
    assert.match((await lastAnswer(page).innerText()).trim(), mode === 'Instant' ? /^85$/ : /^\d+$/, mode);
  }
  assert.equal(await answers(page).nth(0).locator('.reasoning, .panel').count(), 0);
  const fold = answers(page).nth(1).getByRole('button', { name: /^Reasoned/ });
  assert.match(await fold.innerText(), /\d+ tokens · \d+/);
  assert.equal(await fold.getAttribute('aria-expanded'), 'false');
  await fold.click();
  assert.match(await answers(page).nth(1).locator('.reasoning .text').innerText(), /\d\+\d=\d/);
  const meter = answers(page).nth(1).locator('.meter');
  await meter.click();
  assert.match(await answers(page).nth(1).locator('dl').innerText(), /Tokens of the reasoning\s+\d+[\s\S]*Seed\s+\d+/);
  await page.check();
});

test('files are attached, pasted and dropped', async () => {
  const page = await openPage(here.browser, here.url);
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByRole('button', { name: 'Add files' }).click()]);
  await chooser.setFiles([example('shapes.png')]);
  await page.getByText('3.2 kB').waitFor();
  await ask(page, 'How many red shapes are there?');
  assert.equal((await lastAnswer(page).innerText()).trim(), '2');
  for (const [kind, name, type, question, answer] of [
    ['paste', 'shapes.png', 'image/png', 'How many shapes are there?', '4'],
    ['drop', 'digits.wav', 'audio/wav', 'Which digits were said?', '593'],
    ['drop', 'prices.csv', 'text/csv', 'What is the price of milk?', '3'],
  ]) {
    await page.goto(`${here.url}/#/`);
    const bytes = [...readFileSync(example(name))];
    await page.evaluate(
      ({ kind, name, type, bytes }) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([new Uint8Array(bytes)], name, { type }));
        const target = document.getElementById('composer');
        if (kind === 'paste') target.dispatchEvent(new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true, cancelable: true }));
        else window.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
      },
      { kind, name, type, bytes },
    );
    await page.locator('.attached li').waitFor();
    await ask(page, question);
    assert.equal((await lastAnswer(page).innerText()).trim(), answer, `${kind} ${name}`);
  }
  assert.equal(await page.locator('article[aria-label=You] table').innerText(), 'item\tprice\ncheese\t15\nmilk\t3\ncorn\t7');
  await page.check();
});

test('what the server refuses is said, and the words stay', async () => {
  const page = await openPage(here.browser, here.url);
  await composer(page).fill('x '.repeat(6000));
  await page.getByRole('button', { name: 'Send' }).click();
  await page.locator('.toast.error').waitFor();
  assert.match(await composer(page).inputValue(), /^x x x/);
  assert.equal(await page.locator('nav[aria-label=Conversations] li').filter({ hasText: 'x x x' }).count(), 0, 'nothing stays of it');
  await page.check();
});

test('an answer is stopped by Escape', async () => {
  await slowDown(here.url);
  const page = await openPage(here.browser, here.url);
  await composer(page).fill('What is 27 + 58?');
  await composer(page).press('Enter');
  await page.locator('.panel .lane .words').first().waitFor();
  await page.keyboard.press('Escape');
  await page.locator('article[aria-label=Melete] footer').waitFor();
  assert.match(await answers(page).last().innerText(), /Stopped\./);
  await page.check();
});

test('a reload in mid-stream goes on', async () => {
  await slowDown(here.url);
  const page = await openPage(here.browser, here.url);
  await composer(page).fill('What is 48 + 37?');
  await composer(page).press('Enter');
  const busy = page.locator('.panel .lane').nth(5);
  await busy.waitFor();
  await page.reload();
  await busy.waitFor();
  const tokens = async () => Number((await page.locator('.panel .fold small').innerText()).replaceAll(',', '').match(/\d+/)[0]);
  const first = await tokens();
  await page.waitForFunction((least) => Number(document.querySelector('.panel .fold small').textContent.replaceAll(',', '').match(/\d+/)[0]) > least, first);
  await page.getByRole('button', { name: 'Stop the answer' }).click();
  await page.locator('article[aria-label=Melete] footer').waitFor();
  await page.check();
});

test('what is asked before the settings have come is answered as was chosen', async () => {
  await choose(here.url, { mode: 'instant' });
  const page = await openPage(here.browser, 'about:blank');
  await page.route('**/api/settings', async (route) => {
    await new Promise((done) => setTimeout(done, 1500));
    await route.continue();
  });
  await page.goto(here.url);
  const asked = page.waitForRequest('**/answers');
  await ask(page, 'What is 2 + 3?');
  assert.equal((await asked).postDataJSON().model, 'melete-instant');
  await page.check();
});

test('a connection that breaks is made again', async () => {
  await slowDown(here.url);
  const page = await openPage(here.browser, here.url);
  // The beginning of the real stream, and then nothing more of it.
  await page.route('**/answers', async (route) => {
    const cut = new AbortController();
    const request = route.request();
    const response = await fetch(request.url(), { method: 'POST', headers: { 'content-type': 'application/json' }, body: request.postData(), signal: cut.signal });
    let body = '';
    for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
      body += piece;
      if (body.length > 8000) break;
    }
    cut.abort();
    await route.fulfill({ status: 200, contentType: 'text/event-stream', body: body.slice(0, 7001) });
  });
  const asked = page.waitForRequest((request) => /events\?after=\d+$/.test(request.url()));
  await composer(page).fill('What is 48 + 37?');
  await composer(page).press('Enter');
  await asked;
  await page.locator('.panel .lane').nth(127).waitFor();
  await page.getByRole('button', { name: 'Stop the answer' }).click();
  await page.locator('article[aria-label=Melete] footer').waitFor();
  await page.check();
});

test('edit, answer again, branches, a new conversation from here', async () => {
  const page = await openPage(here.browser, here.url);
  await page.getByRole('radio', { name: 'Thinking' }).check({ force: true });
  await ask(page, 'What is 2 + 3?');
  assert.equal((await lastAnswer(page).innerText()).trim(), '5');
  await page.locator('article[aria-label=You]').hover();
  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByLabel('Say it differently').fill('What is 4 + 4?');
  await page.getByLabel('Say it differently').press('Enter');
  await page.getByText('What is 4 + 4?').waitFor();
  await page.locator('article[aria-label=Melete] footer').waitFor();
  assert.equal((await lastAnswer(page).innerText()).trim(), '8');
  await page.getByRole('button', { name: 'Previous version' }).click();
  await page.getByText('What is 2 + 3?').first().waitFor();
  assert.equal((await lastAnswer(page).innerText()).trim(), '5');
  await page.reload();
  await lastAnswer(page).waitFor();
  assert.equal((await lastAnswer(page).innerText()).trim(), '5', 'the branch that was shown is shown again');
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Again: Instant' }).click();
  await page.getByRole('group', { name: 'answer 2 of 2' }).waitFor();
  await page.locator('article[aria-label=Melete] footer').waitFor();
  await page.getByRole('button', { name: 'Previous answer' }).click();
  await page.getByRole('group', { name: 'answer 1 of 2' }).waitFor();
  const before = page.url();
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: 'New conversation from here' }).click();
  await page.waitForURL((url) => url.href !== before);
  await lastAnswer(page).waitFor();
  assert.equal(await page.locator('.stepper').count(), 0);
  await page.check();
});

test('search, rename, pin, save and delete', async () => {
  const page = await openPage(here.browser, here.url);
  await ask(page, 'Who are you, wombat?');
  await page.locator('nav[aria-label=Conversations] li.current a').waitFor();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('wombat');
  await page.locator('.hits mark').first().waitFor();
  await page.locator('.hits a').first().click();
  await page.getByRole('article', { name: 'You' }).waitFor();
  await page.getByLabel('Search conversations').fill('');
  const row = page.locator('nav[aria-label=Conversations] li.current');
  const more = async (item) => {
    await row.getByRole('button', { name: /^More for/ }).click();
    await page.getByRole('menuitem', { name: item }).click();
  };
  await more('Rename');
  await page.getByLabel('Title').fill('About marsupials');
  await page.getByLabel('Title').press('Enter');
  await page.getByRole('link', { name: 'About marsupials' }).waitFor();
  await more('Pin');
  await page.getByRole('heading', { name: 'Pinned' }).waitFor();
  const markdown = await download(page, () => more('Save as Markdown'));
  assert.equal(markdown.name, 'about-marsupials.md');
  assert.match(markdown.text.toString(), /# About marsupials\n[\s\S]*## You\n\nWho are you, wombat\?/);
  const json = await download(page, () => more('Save as JSON'));
  assert.equal(JSON.parse(json.text.toString()).messages.length, 2);
  await more('Delete');
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByRole('link', { name: 'About marsupials' }).waitFor({ state: 'detached' });
  await page.locator('.welcome').waitFor();
  await page.check();
});

test('by keyboard alone', async () => {
  const page = await openPage(here.browser, here.url);
  await page.locator('.welcome').waitFor();
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent?.trim() ?? '');
  await page.keyboard.press('Tab');
  assert.equal(await focused(), 'Skip to writing');
  await page.keyboard.press('Enter');
  await page.keyboard.type('What is 2 + 2?');
  await page.keyboard.press('Tab'); // send
  for (let i = 0; i < 12 && (await focused()) !== 'Thinking'; ++i) {
    if (await page.evaluate(() => document.activeElement?.getAttribute('type') === 'radio')) break;
    await page.keyboard.press('Tab');
  }
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('/');
  await page.keyboard.press('Control+Shift+o');
  await page.keyboard.press('Enter');
  await page.locator('article[aria-label=Melete] footer').waitFor();
  assert.equal((await lastAnswer(page).innerText()).trim(), '4');
  // The answer's menu, by arrows.
  await page.getByRole('button', { name: 'More', exact: true }).focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('ArrowDown');
  await page.waitForFunction(() => document.activeElement?.textContent?.includes('Thinking'));
  await page.keyboard.press('Escape');
  assert.equal(await focused(), 'More');
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.check();
});

test('agents afterwards, from the log, and played again', async () => {
  const page = await openPage(here.browser, here.url);
  await page.getByRole('radio', { name: 'Contemplating' }).check({ force: true });
  await ask(page, 'What is 27 + 58?');
  await page.reload();
  const fold = page.locator('.panel .fold');
  await fold.waitFor();
  assert.match(await fold.innerText(), /Agents agreed, \d of \d\s*\d+ tokens · [\d.]+ m?s/);
  await fold.click();
  await page.locator('.panel .lane').nth(7).waitFor();
  assert.equal(await page.locator('.panel .lane.wins').count(), 1);
  assert.match(await page.locator('.votes').innerText(), /85\s+\d/);
  assert.match(await page.locator('.verdict').innerText(), /e-value \d/);
  await page.getByRole('button', { name: 'Agent 2' }).click();
  await page.getByRole('dialog', { name: 'Agent 2' }).getByText('7+8=15').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Play the run again' }).click();
  await page.locator('.panel .state.busy').first().waitFor();
  await page.locator('.panel .lane.wins').waitFor();
  await page.check();
});
