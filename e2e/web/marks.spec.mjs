// Marks of one's own: drawn, moved, commented, sent with the question and shown with it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ask, composer, download, example, openPage, stage, talkOf } from './app.mjs';

const here = stage();

async function attach(page, name) {
  await page.locator('input[type=file]').setInputFiles(example(name));
  await page.getByRole('button', { name: `Mark ${name}` }).click();
  return page.getByRole('dialog');
}
async function partsAsked(page, question) {
  const asked = page.waitForRequest((request) => request.url().endsWith('/answers'));
  await ask(page, question);
  return (await asked).postDataJSON().message.content;
}
const parsed = (part) => JSON.parse(/^Marks on \w+ 1: (.*)\n$/.exec(part.text)[1]);

test('a picture is marked by pointer and by keys, and asked about', async () => {
  const page = await openPage(here.browser, here.url);
  const dialog = await attach(page, 'shapes.png');
  const picture = dialog.getByRole('img', { name: 'shapes.png' });
  await picture.evaluate((image) => image.decode());
  const { x, y, width, height } = await picture.boundingBox();
  const at = (across, down) => [x + across * width, y + down * height];
  const drag = async (from, to) => {
    await page.mouse.move(...at(...from));
    await page.mouse.down();
    await page.mouse.move(...at(...to), { steps: 4 });
    await page.mouse.up();
  };
  await drag([0.5, 0.6], [0.2, 0.3]); // from any corner
  await dialog.getByLabel('What mark 1 is about').fill('this one');
  await drag([0.35, 0.45], [0.45, 0.45]); // moves it
  await drag([0.6, 0.6], [0.7, 0.7]); // its corner
  await dialog.getByRole('radio', { name: 'Point' }).check();
  await page.mouse.click(...at(0.9, 0.1));
  await dialog.getByRole('button', { name: 'Add a box' }).focus();
  await page.keyboard.press('Enter');
  const third = dialog.getByRole('button', { name: /^Mark 3/ });
  await third.focus();
  for (const key of ['ArrowLeft', 'ArrowUp', 'Shift+ArrowRight']) await page.keyboard.press(key);
  assert.match(await third.getAttribute('aria-label'), /39 %, 39 % to 60 %, 59 %/);
  await dialog.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('button', { name: 'Mark shapes.png, 3 marks' }).waitFor();

  const [file, marks, text] = await partsAsked(page, 'What is in mark 1?');
  assert.equal(file.type, 'file');
  assert.equal(text.text, 'What is in mark 1?');
  const [first, second, last] = parsed(marks);
  assert.equal(first.label, 'this one');
  const near = (got, wanted) => assert.ok(Math.abs(got - wanted) <= 15, `${got}, not ${wanted}`);
  near(first.x_min, 300), near(first.y_min, 300), near(first.x_max, 700), near(first.y_max, 700);
  near(second.x, 900), near(second.y, 100);
  assert.deepEqual(last, { x_min: 390, y_min: 390, x_max: 600, y_max: 590 });

  const question = page.locator('article[aria-label=You]');
  assert.equal(await question.locator('.frame [data-mark]').count(), 3);
  assert.match(await question.getByRole('list', { name: 'Marks on picture 1' }).innerText(), /this one/);
  assert.equal(await question.locator('.bubble').innerText(), 'What is in mark 1?');
  await question.hover();
  await question.getByRole('button', { name: 'Edit' }).click();
  await page.getByLabel('Say it differently').fill('What colour is it?');
  const again = page.waitForRequest((request) => request.url().endsWith('/answers'));
  await page.getByRole('button', { name: 'Ask again' }).click();
  assert.deepEqual((await again).postDataJSON().message.content.slice(0, 2), [file, marks]);
  await question.locator('.bubble').getByText('What colour is it?').waitFor(); // the old question is gone
  await page.locator('article[aria-label=Melete] footer').waitFor();

  await page.getByRole('button', { name: 'Enlarge shapes.png' }).click();
  await page.getByRole('button', { name: 'Ask about it again' }).click();
  await page.getByRole('button', { name: 'Mark shapes.png' }).waitFor();
  await page.check();
});

test('a sound and a clip are marked on their timelines', async () => {
  const page = await openPage(here.browser, here.url);
  for (const name of ['digits.wav', 'clip.mp4']) {
    const dialog = await attach(page, name);
    const seconds = await dialog.locator('audio, video').evaluate((media) => new Promise((done) => {
      media.ondurationchange = () => media.duration < Infinity && done(media.duration); // infinite until all of it is there
      media.ondurationchange();
    }));
    const line = await dialog.locator('.line').boundingBox();
    await page.mouse.move(line.x + 0.25 * line.width, line.y + 20);
    await page.mouse.down();
    await page.mouse.move(line.x + 0.5 * line.width, line.y + 20, { steps: 4 });
    await page.mouse.up();
    await dialog.getByRole('button', { name: 'Add a span' }).click();
    await dialog.getByLabel('What mark 2 is about').fill('the middle');
    if (name === 'digits.wav') await dialog.locator('.line line').first().waitFor({ state: 'attached' });
    await dialog.getByRole('button', { name: 'Done' }).click();
    const [, marks] = await partsAsked(page, 'What is there?');
    const [drawn, middle] = parsed(marks);
    assert.ok(Math.abs(drawn.start_s - 0.25 * seconds) < 0.05 * seconds && Math.abs(drawn.end_s - 0.5 * seconds) < 0.05 * seconds, JSON.stringify(drawn));
    assert.equal(middle.label, 'the middle');
    await page.getByRole('list', { name: `Marks on ${name === 'digits.wav' ? 'sound' : 'clip'} 1` }).getByText('the middle').waitFor();
    const spans = page.getByRole('group', { name: 'Marked spans' }).getByRole('button');
    assert.equal(await spans.count(), 2);
    await page.evaluate(() => (document.querySelector('article :is(audio, video)').onseeking = (event) => (window.sought = event.target.currentTime)));
    await spans.nth(0).click(); // it plays from there
    await page.waitForFunction((from) => Math.abs(window.sought - from) < 0.05, drawn.start_s);
    await page.goto(`${here.url}/#/`);
    await composer(page).waitFor();
  }
  await page.check();
});

// Two pictures of one question, and reasoning that marks each of them.
async function talkOfTwo(reasoning, marks) {
  const form = new FormData();
  for (const name of ['shapes.png', 'label.png']) form.append('file', new Blob([readFileSync(example(name))], { type: 'image/png' }), name);
  const { files } = await (await fetch(`${here.url}/api/files`, { method: 'POST', body: form })).json();
  const ids = files.map((each) => each.id);
  const details = { tokens: { prompt: 1, reasoning: 9, answer: 1, forced: 0 }, timings: { total_s: 1, first_token_s: 1, prefill_s: 1 }, marks: marks.map(({ label }) => ({ label })), seed: 1 };
  const meta = { answer: 'ans_two', status: 'completed', mode: 'thinking', model: 'm', finish: 'stop', reasoning, details };
  const at = await talkOf(here.url, 'Two', { content: [...ids.map((file_id) => ({ type: 'file', file_id })), { type: 'text', text: 'Which?' }], files: ids }, { content: 'Both.', meta });
  const run = (agent, kind, data, seq) => `event: run\ndata: ${JSON.stringify({ seq, agent, kind, token: seq, data })}\n\n`;
  const events = [[-1, 'run.started', { mode: 'thinking' }], [0, 'agent.spawned', { max_reasoning_tokens: 9 }], [0, 'agent.delta', { channel: 'reasoning', text: reasoning }], ...marks.map((mark) => [0, 'mark.added', { kind: 'point', at: [500, 500], text_bytes: reasoning.indexOf(mark.label) + mark.label.length, channel: 'reasoning', ...mark }]), [-1, 'run.completed', { agent: 0 }]];
  return { at, events: events.map((each, i) => run(...each, i)).join('') };
}

test('marks are on the picture that the reasoning names', async () => {
  const { at, events } = await talkOfTwo('one red, picture 2: two blue, picture 1: three green', [{ label: 'one red' }, { label: 'two blue', on: 'picture 2' }, { label: 'three green', on: 'picture 1' }]);
  const page = await openPage(here.browser, 'about:blank');
  await page.route('**/api/answers/ans_two/events', (route) => route.fulfill({ contentType: 'text/event-stream', body: events }));
  await page.goto(at);
  const shown = async () => [await page.locator('.marked figure img').getAttribute('alt'), (await page.locator('.marked [data-mark]').evaluateAll((nodes) => nodes.map((node) => Number(node.dataset.mark) + 1))).join()];
  await page.locator('.marked [data-mark]').first().waitFor();
  assert.deepEqual(await shown(), ['shapes.png', '1,3'], 'that of the last mark');
  await page.getByText('A part of the reasoning doesn’t say which picture').waitFor();
  await page.getByRole('button', { name: /^two blue/ }).hover();
  assert.deepEqual(await shown(), ['label.png', '1,2']);
  await page.mouse.move(2, 2);
  await page.getByRole('button', { name: 'picture 2' }).click();
  assert.deepEqual(await shown(), ['label.png', '1,2']);
  const [saved] = await Promise.all([download(page, () => page.getByRole('menuitem', { name: /^As SVG/ }).click()), page.getByRole('button', { name: 'Save the marks' }).click()]);
  assert.match(saved.text.toString(), /two blue/);
  assert.doesNotMatch(saved.text.toString(), /three green/);
  await page.getByRole('slider', { name: 'Marks shown' }).fill('3');
  assert.deepEqual(await shown(), ['shapes.png', '1,3']);
  await page.check();
});

test('marks on the second of several pictures, and the same picture twice', async () => {
  const page = await openPage(here.browser, here.url);
  await page.locator('input[type=file]').setInputFiles([example('shapes.png'), example('label.png')]);
  await page.locator('.attached').getByText(/^picture 2, /).waitFor();
  await page.getByRole('button', { name: 'Mark label.png' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Add a point' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Done' }).click();
  const [, , marks] = await partsAsked(page, 'What is there?');
  assert.match(marks.text, /^Marks on picture 2: \[\{"x":500,"y":500\}\]/);
  await page.getByRole('list', { name: 'Marks on picture 2' }).getByText(/^picture 2, at 50 %/).waitFor();
  const frames = page.locator('article[aria-label=You] .frame');
  assert.deepEqual([await frames.nth(0).locator('[data-mark]').count(), await frames.nth(1).locator('[data-mark]').count()], [0, 1]);
  await page.locator('input[type=file]').setInputFiles(example('shapes.png'));
  await page.locator('.attached li').getByText(/\d kB/).waitFor();
  await page.locator('input[type=file]').setInputFiles(example('shapes.png'));
  await page.locator('.attached').getByText(/^picture 2, /).waitFor();
  await ask(page, 'Are they the same?');
  assert.equal(await page.locator('article[aria-label=You]').last().locator('img').count(), 2);
  await page.check();
});
