// An answer that grows: what is shown of it, and what it leaves alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerWith, composer, openPage, stage } from './app.mjs';

const here = stage();
const text =
  '# A\n\nSome **bold** and `code`, $x^2$ and [a link](https://example.org).\n\n- one\n- two\n  - three\n\n' +
  '| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n\n```js\nconst x = 1;\n// and more\n```\n\n> said\n> twice\n\n1. first\n2. second\n\n$$\n\\frac{1}{2}\n$$\n\n' +
  '## B\n\nA [late][link] one.\n\n***\n\nThe end.\n\n[link]: https://example.com\n';

test('an answer in pieces becomes what it is as a whole, block by block in parts', async () => {
  const shown = [];
  const long = `${text}\n`.repeat(2);
  for (const pieces of [long.match(/[\s\S]{1,5}/g), [long]]) {
    const page = await openPage(here.browser, here.url);
    await answerWith(page, pieces, 4);
    await composer(page).fill('go');
    await composer(page).press('Enter');
    await page.locator('article[aria-label=Melete] footer').waitFor();
    await page.locator('.math math').nth(3).waitFor(); // formulas and colours come a moment later
    await page.locator('.hljs-keyword').nth(1).waitFor();
    shown.push(await page.locator('.prose').innerHTML());
    assert.ok((await page.locator('.prose > .part').count()) > 1);
    await page.check();
  }
  const plain = (html) => html.replaceAll('<div class="part">', '').replaceAll('</div>', '');
  assert.equal(plain(shown[0]), plain(shown[1]));
});

test('what a reader has selected stays so while the answer grows', async () => {
  const page = await openPage(here.browser, here.url);
  await answerWith(page, ['First words stand here. ', ...Array.from({ length: 60 }, (_, i) => `And more words, ${i}. `)], 40);
  await composer(page).fill('go');
  await composer(page).press('Enter');
  await page.getByText('First words stand here.').waitFor();
  await page.evaluate(() => {
    const node = document.querySelector('.prose p').firstChild;
    getSelection().setBaseAndExtent(node, 0, node, 11);
  });
  await page.getByText('more words, 40.').waitFor();
  assert.equal(await page.evaluate(() => getSelection().toString()), 'First words');
  await page.locator('article[aria-label=Melete] footer').waitFor();
  await page.check();
});
