// Marks of one's own: drawn, moved, commented, sent with the question and shown with it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, composer, example, openPage, stage } from './app.mjs';

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
    const seconds = await dialog.locator('audio, video').evaluate((media) => new Promise((done) => (media.duration ? done(media.duration) : (media.ondurationchange = () => done(media.duration)))));
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
