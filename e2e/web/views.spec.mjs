// Every view of the app: no violation of axe-core in light, nor in the dark on a phone, nothing wider than a phone's screen, and
// all that can be pressed is reached by the Tab key and shows that it is. What is seen must be every component of the app.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { after, test } from 'node:test';
import { ask, atRest, axeIn, choose, composer, example, makeKey, openPage, root, setPassword, stage, startBrowser, talkOf } from './app.mjs';

let browser; // with a camera and a microphone
let papers, artifacts, markdown;
const here = stage(async () => {
  browser = await startBrowser(['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']);
  const form = new FormData();
  form.append('file', new Blob(['report.pdf: 2 pages, cited like [page 1]\n\n[page 1]\nApples.\n\n[page 2]\nPears cost 3.\n'], { type: 'text/plain' }), 'report.pdf.txt');
  const { files } = await (await fetch(`${here.url}/api/files`, { method: 'POST', body: form })).json();
  papers = await talkOf(here.url, 'Papers', { content: [{ type: 'file', file_id: files[0].id }, { type: 'text', text: 'What do they say?' }], files: [files[0].id] }, 'Pears cost 3 [page 2].');
  artifacts = await talkOf(here.url, 'Clocks', 'A clock, please', '```html\n<title>Clock</title>\n<p>a line that stays</p>\n<p>one</p>\n<script>console.log("tick"); console.error("tock")</script>\n```', 'Another', '```html\n<title>Clock</title>\n<p>a line that stays</p>\n<p>two</p>\n```');
  markdown = await talkOf(here.url, 'Prose', 'All of it', '# One\n\nWords, **bold**, `code`, $x^2$, [a link](https://example.org).\n\n- a\n- b\n\n> said\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```js\nconst x = 1;\n```\n\n$$\\frac{1}{2}$$');
});
after(() => browser?.close());

const menu = async (page, item) => {
  await page.getByRole('button', { name: 'More', exact: true }).last().click();
  if (item) await page.getByRole('menuitem', { name: item }).click();
};
const attach = async (page, name) => {
  await page.locator('input[type=file]').setInputFiles(example(name));
  await page.getByRole('button', { name: `Mark ${name}` }).waitFor();
};
const mark = (name, add) => async (page) => {
  await attach(page, name);
  await page.getByRole('button', { name: `Mark ${name}` }).click();
  await page.getByRole('dialog').getByRole('button', { name: add }).click();
};
const drawer = (tab, ready) => async (page) => {
  await composer(page).waitFor();
  await page.keyboard.press('Control+.');
  await page.getByRole('tab', { name: tab }).click();
  await ready(page);
};
const artifact = (page) => page.getByRole('group', { name: 'Artifact: Clock' }).last();
const row = (page) => page.locator('nav[aria-label=Conversations] li').first();
const asked = async (page, mode, question) => {
  await page.getByRole('radio', { name: mode }).check({ force: true });
  await ask(page, question);
};
const section = (name) => ({ at: `/#/settings/${name.toLowerCase()}`, show: (page) => page.getByRole('heading', { name, exact: true }).waitFor() });

// How each is brought up: from which address, and what is done there.
const views = {
  'the first page': { list: true, show: (page) => page.locator('.welcome').waitFor() },
  'words to send, with estimates': { show: async (page) => (await ask(page, 'What is 2 + 3?'), await composer(page).fill('What is 3 + 3?')) },
  'files to send': { show: async (page) => (await attach(page, 'shapes.png'), await page.locator('input[type=file]').setInputFiles([{ name: 'broken.pdf', mimeType: '', buffer: Buffer.from('no') }]), await page.locator('.attached .failed').waitFor()) },
  'an answer at once': { show: (page) => asked(page, 'Instant', 'What is 27 + 58?') },
  'an answer with reasoning and what it took': { show: async (page) => (await asked(page, 'Thinking', 'What is 27 + 58?'), await page.locator('.reasoning .fold').click(), await page.locator('.meter').click()) },
  'agents and their votes': { show: async (page) => (await asked(page, 'Contemplating', 'What is 27 + 58?'), await page.locator('.panel .fold').click(), await page.locator('.panel .lane').nth(7).waitFor()) },
  'what an agent wrote': { show: async (page) => (await views['agents and their votes'].show(page), await page.getByRole('button', { name: 'Agent 2' }).click()) },
  'marks on a picture': { show: async (page) => (await page.locator('.welcome').getByRole('button', { name: 'How many red' }).click(), await page.locator('.steps .scrub').waitFor()) },
  'a clip and its marks': { show: async (page) => (await page.locator('.welcome').getByRole('button', { name: 'What shape is blue' }).click(), await page.locator('.steps .scrub').waitFor()) },
  'a table and its chart': { show: async (page) => (await page.locator('.welcome').getByRole('button', { name: 'price of milk' }).click(), await page.getByRole('button', { name: 'Chart' }).click(), await page.locator('.chart canvas').waitFor(), await page.locator('article footer').waitFor()) },
  'a sound': { show: async (page) => (await page.locator('.welcome').getByRole('button', { name: 'Which digits' }).click(), await page.locator('article footer').waitFor()) },
  'a picture, enlarged': { show: async (page) => (await views['marks on a picture'].show(page), await page.getByRole('button', { name: 'Enlarge shapes.png' }).click()) },
  'two answers side by side': { show: async (page) => (await ask(page, 'What is 27 + 58?'), await menu(page, 'Compare with Instant'), await page.getByRole('region', { name: 'Two answers' }).locator('footer').nth(1).waitFor()) },
  'branches': { show: async (page) => (await ask(page, 'What is 2 + 3?'), await menu(page, 'Again: Instant'), await page.getByRole('group', { name: 'answer 2 of 2' }).waitFor()) },
  'saying it differently': { show: async (page) => (await ask(page, 'What is 2 + 3?'), await page.locator('article[aria-label=You]').hover(), await page.getByRole('button', { name: 'Edit' }).click()) },
  'a menu': { show: async (page) => (await ask(page, 'What is 2 + 3?'), await menu(page)) },
  'Markdown of all kinds': { at: () => markdown, show: (page) => page.locator('.prose math').first().waitFor() },
  'a conversation that isn’t there': { at: '/#/c/conv_none', show: (page) => page.getByText('This conversation doesn’t exist.').waitFor() },
  'search': { list: true, show: async (page) => (await page.getByLabel('Search conversations').fill('clock'), await page.locator('.hits mark').first().waitFor()) },
  'a conversation’s menu': { list: true, show: (page) => row(page).getByRole('button', { name: /^More for/ }).click() },
  'renaming': { list: true, show: async (page) => (await views['a conversation’s menu'].show(page), await page.getByRole('menuitem', { name: 'Rename' }).click()) },
  'deleting': { list: true, show: async (page) => (await views['a conversation’s menu'].show(page), await page.getByRole('menuitem', { name: 'Delete' }).click()) },
  'shortcuts': { list: true, show: async (page) => (await page.locator('.welcome').waitFor(), await page.getByRole('button', { name: 'Keyboard shortcuts' }).click()) },
  'a message at the edge': { at: () => papers, show: async (page) => (await page.locator('article footer').waitFor(), await page.getByRole('button', { name: 'Copy the answer' }).click(), await page.locator('.toast').waitFor()) },
  'recording': { show: async (page) => (await page.getByRole('button', { name: 'Record', exact: true }).click(), await page.getByRole('button', { name: 'Stop recording and attach it' }).waitFor()) },
  'talking hands-free': { show: async (page) => (await page.getByRole('button', { name: 'Talk hands-free' }).click(), await page.locator('.talk.on').waitFor()) },
  'the camera': { show: async (page) => (await page.getByRole('button', { name: 'Camera', exact: true }).click(), await page.locator('dialog video').evaluate((video) => new Promise((done) => (video.videoWidth ? done() : (video.onloadeddata = () => done()))))) },
  'marking a picture': { show: mark('shapes.png', 'Add a box') },
  'marking a sound': { show: mark('digits.wav', 'Add a span') },
  'marking a clip': { show: mark('clip.mp4', 'Add a span') },
  'a question with marks': { show: async (page) => (await mark('shapes.png', 'Add a box')(page), await page.getByRole('button', { name: 'Done' }).click(), await ask(page, 'What is in mark 1?')) },
  'a sound with marks': { show: async (page) => (await mark('digits.wav', 'Add a span')(page), await page.getByRole('button', { name: 'Done' }).click(), await ask(page, 'What is in mark 1?')) },
  'a document and what was cited': { at: () => papers, show: async (page) => (await page.getByRole('button', { name: '[page 2]' }).click(), await page.getByRole('dialog').locator('.lit').waitFor()) },
  'artifacts that don’t run': { at: () => artifacts, show: (page) => artifact(page).getByRole('group', { name: 'version 2 of 2' }).waitFor() },
  'an artifact that runs': { at: () => artifacts, show: async (page) => (await artifact(page).getByRole('button', { name: 'Run', exact: true }).click(), await artifact(page).frameLocator('iframe').getByText('two').waitFor()) },
  'source of an artifact': { at: () => artifacts, show: (page) => artifact(page).getByRole('button', { name: 'Source', exact: true }).click() },
  'console of an artifact': { at: () => artifacts, show: async (page) => (await artifact(page).getByRole('button', { name: 'Older version' }).click(), await artifact(page).getByRole('button', { name: 'Run', exact: true }).click(), await artifact(page).getByRole('button', { name: /^Console/ }).click(), await artifact(page).getByText('tock').waitFor()) },
  'library of artifacts': { at: '/#/artifacts', show: (page) => page.getByRole('button', { name: /^Clock/ }).waitFor() },
  'an artifact of the library': { at: '/#/artifacts', show: async (page) => (await page.getByRole('button', { name: /^Clock/ }).click(), await page.getByRole('dialog').frameLocator('iframe').getByText('two').waitFor()) },
  'a template and its data': { at: '/#/artifacts/plate', show: async (page) => (await page.getByText('Its data').click(), await page.getByLabel(/Data of the template/).fill('{'), await page.getByRole('button', { name: 'Use this data' }).click(), await page.getByText('That isn’t JSON').waitFor()) },
  'a template to fill': { at: '/#/artifacts/plate', show: async (page) => (await page.getByRole('button', { name: 'Ask Melete for one' }).click(), await page.getByText('Fills the template').waitFor()) },
  'requests in the drawer': { show: drawer('Requests', async (page) => (await ask(page, 'What is 2 + 3?'), await page.getByRole('complementary').getByRole('button', { name: /answers/ }).first().click())) },
  'tokens in the drawer': { show: drawer('Tokens', async (page) => (await page.getByLabel('Text', { exact: true }).fill('apples'), await page.locator('ol[aria-label=Tokens] li').first().waitFor())) },
  'playground in the drawer': { show: drawer('Playground', async (page) => (await page.getByRole('button', { name: 'Send it' }).click(), await page.getByText(/data: \[DONE\]/).waitFor())) },
  'engine in the drawer': { show: drawer('Engine', (page) => page.getByText('Pages of keys and values').waitFor()) },
  ...Object.fromEntries(['General', 'Answers', 'Models', 'Data', 'Account', 'Keys'].map((name) => [`settings, ${name}`, section(name)])),
};

// What Tab reaches, and what it should.
async function checkTab(page, what) {
  await page.evaluate(() => document.activeElement instanceof HTMLElement && !document.querySelector('dialog[open]') && document.activeElement.blur());
  const wanted = await page.evaluate(() => {
    const inside = [...document.querySelectorAll('dialog[open]')].at(-1) ?? document;
    const all = [...inside.querySelectorAll('a[href], button, input, textarea, select, summary, [tabindex="0"]')].filter((node) => node.tabIndex >= 0 && !node.disabled && node.type !== 'file' && (node.type !== 'radio' || node.checked) && node.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: false }) && node.getClientRects().length);
    all.forEach((node, i) => (node.dataset.stop = i));
    return all.length;
  });
  const reached = new Set(), unseen = [];
  for (let i = 0, idle = 0; reached.size < wanted && i < 3 * wanted + 40 && idle < wanted + 30; ++i) {
    await page.keyboard.press('Tab');
    const [stop, shows, html] = await page.evaluate(() => {
      const node = document.activeElement;
      const looks = [node, node.nextElementSibling, node.closest('label')].filter(Boolean).map((each) => getComputedStyle(each)); // what is drawn for it, or around it
      return [node?.dataset.stop, node.id === 'composer' || looks.some((style) => style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0), node?.outerHTML.slice(0, 100)];
    });
    idle = stop === undefined || reached.has(stop) ? idle + 1 : 0;
    if (stop === undefined) continue;
    if (!reached.has(stop) && !shows) unseen.push(html);
    reached.add(stop);
  }
  const missed = await page.evaluate((reached) => [...document.querySelectorAll('[data-stop]')].filter((node) => !reached.includes(node.dataset.stop)).map((node) => node.outerHTML.slice(0, 100)), [...reached]);
  assert.deepEqual([missed, unseen], [[], []], `by Tab: ${what}`);
}

const seen = new Set();
const note = async (page) => (await page.evaluate(() => [...document.querySelectorAll('[class*=svelte-]')].flatMap((node) => node.getAttribute('class').match(/svelte-\w+/g)))).forEach((name) => seen.add(name));

const theme = async (page, colorScheme) => (await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' }), await atRest(page));

async function check(page, what) {
  await note(page);
  await theme(page, 'light');
  assert.deepEqual(await axeIn(page), [], `axe: ${what}, light`);
  await checkTab(page, what);
  await page.setViewportSize({ width: 390, height: 780 });
  await theme(page, 'dark');
  const wide = await page.evaluate(() => [document.documentElement, ...document.querySelectorAll('dialog[open], aside, main')].filter((node) => node.scrollWidth > Math.max(390, node.clientWidth)).map((node) => `${node.tagName} ${node.scrollWidth}`));
  assert.deepEqual(wide, [], `on a phone: ${what}`);
  assert.deepEqual(await axeIn(page), [], `axe: ${what}, dark, on a phone`);
}

// The list beside is a view of its own: others come without it.
const narrow = { width: 860, height: 860 };

for (const [what, { at = '/', show, list = false }] of Object.entries(views))
  test(what, async () => {
    await choose(here.url, {});
    const address = typeof at === 'function' ? at() : here.url + at;
    const page = await openPage(browser, address, { permissions: ['microphone', 'camera', 'clipboard-write'], reducedMotion: 'reduce', ...(list ? {} : { viewport: narrow }) });
    await show(page);
    await check(page, what);
    await page.context().close();
  });

test('the server away, with and without something to read', async () => {
  const page = await openPage(browser, 'about:blank', { serviceWorkers: 'block', viewport: narrow });
  await page.route('**/healthz', (route) => route.abort());
  await page.route('**/api/session', (route) => route.abort());
  await page.goto(here.url);
  await page.getByRole('heading', { name: 'Melete can’t be reached' }).waitFor();
  await check(page, 'a first visit without the server');
  await page.context().close();
  const other = await openPage(browser, papers, { serviceWorkers: 'block', viewport: narrow }); // what it takes isn't seen by routes
  await other.locator('article footer').waitFor();
  await other.route('**/healthz', (route) => route.abort());
  await other.route('**/api/settings', (route) => route.abort());
  await other.getByRole('radio', { name: 'Instant' }).check({ force: true });
  await other.getByText('What is here can still be read').waitFor();
  await check(other, 'something to read without the server');
  await other.context().close();
});

test('settings for admins, an invitation, a login', async () => {
  const page = await openPage(browser, `${here.url}/#/settings/account`, { viewport: narrow });
  await setPassword(page);
  await makeKey(page, here.url);
  await page.getByLabel('The key laptop').waitFor();
  await check(page, 'a new key');
  await page.setViewportSize(narrow);
  await page.goto(`${here.url}/#/settings/people`);
  await page.getByLabel('For', { exact: true }).fill('Bob');
  await page.getByRole('button', { name: 'Invite' }).click();
  const link = await page.getByLabel('The invitation’s link').innerText();
  await check(page, 'people and an invitation');
  const bob = await openPage(browser, link, { viewport: narrow });
  await bob.getByLabel('Password again').waitFor();
  await check(bob, 'an account to make');
  await bob.setViewportSize(narrow);
  await bob.goto(`${here.url}/#/`);
  await bob.getByRole('heading', { name: 'Log in to Melete' }).waitFor();
  await check(bob, 'the login');
  await bob.context().close();
  await page.context().close();
});

test('no component was left out', () => {
  const { compile } = createRequire(`${root}/web/package.json`)('svelte/compiler');
  const missed = [];
  for (const filename of globSync(`${root}/web/src/**/*.svelte`)) {
    const { css } = compile(readFileSync(filename, 'utf8'), { filename, rootDir: `${root}/web`, css: 'external', runes: true });
    const name = /svelte-\w+/.exec(css?.code ?? '')?.[0]; // without styles it is made of others
    if (name && !seen.has(name)) missed.push(basename(filename));
  }
  assert.deepEqual(missed, []);
});
