// A first visit: what is there, the examples, a picture with marks, light and dark, a phone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkAxeInBothThemes, composer, download, lastAnswer, openPage, stage } from './app.mjs';

const here = stage();

test('every example is answered', async () => {
  const page = await openPage(here.browser, here.url);
  const wanted = { 'How many red': '2', 'Which digits': '593', 'What shape is blue': 'square', 'price of milk': '3', 'How many kcal': '230', '27 + 58': '85' };
  await page.locator('.welcome').waitFor();
  assert.equal(await page.locator('.welcome li').count(), Object.keys(wanted).length);
  for (const [question, answer] of Object.entries(wanted)) {
    await page.goto(`${here.url}/#/`);
    await page.locator('.welcome').getByRole('button', { name: question }).click();
    await page.locator('article[aria-label=Melete] footer').waitFor();
    assert.equal((await lastAnswer(page).innerText()).trim(), answer, question);
  }
  assert.equal(await page.locator('nav[aria-label=Conversations] li').count(), Object.keys(wanted).length);
  await page.check();
});

test('marks are drawn on the picture, in step with the reasoning', async () => {
  const page = await openPage(here.browser, here.url);
  await page.locator('.welcome').getByRole('button', { name: 'How many red' }).click();
  await page.locator('article[aria-label=Melete] footer').waitFor();
  for (const reloaded of [false, true]) {
    if (reloaded) await page.reload();
    const marks = page.locator('.stage svg > g[data-mark]');
    await page.locator('.steps .scrub').waitFor();
    assert.equal(await marks.count(), 4);
    // The blue heart is at (68, 33) of 168 by 168; points keep to twentieths.
    const stage = await page.locator('.stage').boundingBox();
    const heart = await marks.first().locator('circle.line').boundingBox();
    assert.ok(Math.abs((heart.x + heart.width / 2 - stage.x) / stage.width - 68 / 168) < 0.05);
    assert.ok(Math.abs((heart.y + heart.height / 2 - stage.y) / stage.height - 33 / 168) < 0.05);
    // A step of the reasoning lights its mark, by pointer and by keyboard.
    const steps = page.locator('.steps .ref');
    assert.deepEqual(await steps.allInnerTexts(), ['blue heart1', 'red triangle2', 'blue triangle3', 'red heart4']);
    await steps.nth(1).hover();
    assert.match((await marks.nth(1).getAttribute('class')) ?? '', /lit/);
    await steps.nth(2).focus();
    assert.match((await marks.nth(2).getAttribute('class')) ?? '', /lit/);
    await marks.nth(3).locator('circle.line').hover();
    assert.match((await steps.nth(3).getAttribute('class')) ?? '', /lit/);
    // The scrubber takes marks away and brings them back.
    const scrubber = page.getByRole('slider', { name: 'Marks shown' });
    await scrubber.focus();
    await page.keyboard.press('Home');
    assert.equal(await marks.count(), 0);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    assert.equal(await marks.count(), 2);
    assert.equal(await scrubber.getAttribute('aria-valuetext'), '2 of 4: red triangle');
    await page.keyboard.press('End');
  }
  const save = async (item) => {
    await page.getByRole('button', { name: 'Save the marks' }).click();
    return download(page, () => page.getByRole('menuitem', { name: item }).click());
  };
  const svg = await save('As SVG');
  assert.equal(svg.name, 'shapes-marks.svg');
  assert.match(svg.text.toString(), /<image href="data:image&#47;png|<image href="data:image\/png/);
  assert.equal((svg.text.toString().match(/<title>/g) ?? []).length, 4);
  const png = await save('As PNG');
  assert.equal(png.text.subarray(1, 4).toString(), 'PNG');
  assert.ok(png.text.length > 5000);
  const json = JSON.parse((await save('As JSON')).text.toString());
  assert.deepEqual(json.marks[0], { kind: 'point', label: 'blue heart', x: 425, y: 225 });
  await page.check();
});

test('the clip’s mark is its way', async () => {
  const page = await openPage(here.browser, here.url);
  await page.locator('.welcome').getByRole('button', { name: 'What shape is blue' }).click();
  await page.locator('.stage svg g[data-mark] line.line').waitFor({ state: 'attached' });
  const time = () => page.locator('.stage video').evaluate((video) => video.currentTime);
  await page.getByRole('button', { name: 'Play the clip' }).click();
  await page.waitForFunction(() => document.querySelector('.stage video').currentTime > 0.05);
  await page.getByRole('button', { name: 'Pause the clip' }).click().catch(() => {}); // it may have ended
  assert.ok((await time()) > 0);
  await page.check();
});

test('a phone', async () => {
  const page = await openPage(here.browser, here.url, { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true });
  assert.equal(await page.locator('nav[aria-label=Conversations]').count(), 0);
  await page.locator('.welcome').getByRole('button', { name: 'How many red' }).tap();
  await page.locator('.steps .scrub').waitFor();
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= 390, `nothing is wider than the screen, got ${width}`);
  await checkAxeInBothThemes(page, 'a phone');
  await page.getByRole('button', { name: 'Show the list' }).tap();
  await checkAxeInBothThemes(page, 'the list on a phone');
  await page.getByRole('link', { name: 'New conversation' }).tap();
  assert.equal(await page.locator('nav[aria-label=Conversations]').count(), 0, 'the list makes room again');
  await composer(page).fill('What is 2 + 3?');
  await page.getByRole('button', { name: 'Send' }).tap();
  await page.locator('article[aria-label=Melete] footer').waitFor();
  await page.check();
});

test('the theme that is chosen stays', async () => {
  const page = await openPage(here.browser, `${here.url}/#/settings/general`);
  await page.getByLabel('Appearance').selectOption('dark');
  await page.waitForResponse((response) => response.url().endsWith('/api/settings') && response.request().method() === 'PUT');
  await page.reload();
  await page.getByLabel('Appearance').waitFor();
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgb(21, 24, 23)');
  await page.getByLabel('Appearance').selectOption('system');
  await page.waitForResponse((response) => response.url().endsWith('/api/settings') && response.request().method() === 'PUT');
  await page.check();
});
