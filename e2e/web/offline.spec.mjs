// The server goes and comes back: the page says so, what is open can be read, also after a reload, and it goes on by itself.
// A program of another version is never taken for the one before.
import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { ask, composer, lastAnswer, openPage, stage } from './app.mjs';

const here = stage();

// Asks the page until it says yes, also where it says so later.
async function until(page, asked) {
  while (!(await page.evaluate(asked))) await page.waitForTimeout(50);
}
// Until the browser has what the page begins with.
const isKept = (page) =>
  until(page, async () => {
    const store = await caches.open('melete-app');
    return navigator.serviceWorker.controller && (await store.match('/')) && (await store.keys()).length > 3;
  });
// It asks now and then; and whenever it comes to the front.
const lookAgain = (page) => page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
const away = (page) => page.getByText('Melete can’t be reached. What is here can still be read');
// Requests that fail are what this is about.
async function finish(page) {
  page.problems.splice(0, page.problems.length, ...page.problems.filter((each) => !/net::ERR_CONNECTION|net::ERR_FAILED|net::ERR_EMPTY/.test(each)));
  await page.check();
}

test('the server goes, the page stays, the server comes back', async () => {
  const page = await openPage(here.browser, here.url);
  await ask(page, 'Who are you, offline?');
  await page.getByRole('link', { name: 'New conversation' }).click();
  await ask(page, 'What is 2 + 3?');
  const answer = await lastAnswer(page).innerText();
  await isKept(page);
  await here.server.halt();
  await away(page).waitFor(); // without anybody's doing
  await composer(page).fill('What is 4 + 4?');
  await composer(page).press('Enter');
  await page.getByText('The server can’t be reached.').waitFor();
  assert.equal(await composer(page).inputValue(), 'What is 4 + 4?');
  await page.reload();
  await away(page).waitFor();
  await page.locator('article[aria-label=Melete] .prose', { hasText: answer }).waitFor();
  assert.match(await page.locator('article[aria-label=You]').innerText(), /What is 2 \+ 3\?/);
  await page.getByRole('link', { name: 'Who are you, offline?' }).click();
  await page.locator('article').getByText('Who are you, offline?').waitFor();
  await page.getByRole('link', { name: 'Settings', exact: true }).click();
  await page.getByText('This part of the app can’t be loaded').waitFor();
  await page.goBack();

  const other = await page.context().newPage(); // it has read nothing yet
  await other.goto(here.url);
  await other.getByRole('heading', { name: 'Melete can’t be reached' }).waitFor();

  await here.server.resume();
  await away(page).waitFor({ state: 'detached' });
  await composer(other).waitFor();
  await other.close();
  await ask(page, 'What is 4 + 4?');
  assert.equal(await page.locator('article[aria-label=Melete]').count(), 2);
  await finish(page);
});

test('what was answered meanwhile is there when the server is back', async (t) => {
  const page = await openPage(here.browser, here.url);
  await ask(page, 'What is 5 + 3?');
  const conversation = page.url().split('/').at(-1);
  const proxy = await between();
  t.after(() => proxy.close());
  await page.goto(`${proxy.url}/#/c/${conversation}`);
  await lastAnswer(page).waitFor();
  proxy.close();
  await lookAgain(page);
  await away(page).waitFor();
  const said = await fetch(`${here.url}/api/conversations/${conversation}/messages`, { method: 'POST', body: JSON.stringify({ role: 'user', content: 'Said elsewhere' }) });
  assert.equal(said.status, 200);
  await proxy.open();
  await page.getByText('Said elsewhere').waitFor();
  proxy.close();
  page.problems.length = 0;
  await page.context().close();
});

// Stands before the server, and gives its page as another version would: with a title and a script of its own.
async function between() {
  const state = { version: '' };
  const upstream = new URL(here.url);
  const handle = (request, response) => {
    const script = /^\/assets\/index-v\d+-(.+\.js)$/.exec(request.url);
    if (state.version && /^\/assets\/index-[^v][^/]*\.js$/.test(request.url)) return response.writeHead(404).end();
    const path = script ? `/assets/${script[1]}` : request.url;
    const passed = http.request({ host: upstream.hostname, port: upstream.port, path, method: request.method, headers: { ...request.headers, 'accept-encoding': 'identity', 'if-none-match': '' } }, (got) => {
      if (request.url !== '/' || !state.version) {
        response.writeHead(got.statusCode, got.headers);
        return got.pipe(response);
      }
      let text = '';
      got.on('data', (piece) => (text += piece));
      got.on('end', () => {
        const { 'content-length': _, etag: __, ...headers } = got.headers;
        response.writeHead(got.statusCode, headers);
        response.end(text.replace('<title>', `<meta name="version" content="${state.version}"><title>`).replace(/\/assets\/(index-[^"]+\.js)/, `/assets/index-${state.version}-$1`));
      });
    });
    passed.on('error', () => response.destroy());
    request.pipe(passed);
  };
  let gate;
  const open = (port = 0) =>
    new Promise((done) => {
      gate = http.createServer(handle);
      gate.listen(port, '127.0.0.1', () => done(gate.address().port));
    });
  const port = await open();
  const close = () => {
    gate.close();
    gate.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${port}`, open: () => open(port), close, state };
}

test('another version is never taken for the one before', async (t) => {
  const proxy = await between();
  t.after(() => proxy.close());
  const page = await openPage(here.browser, proxy.url);
  const version = () => page.evaluate(() => document.querySelector('meta[name=version]')?.content ?? '');
  const keptScripts = () => page.evaluate(async () => (await (await caches.open('melete-app')).keys()).map(({ url }) => new URL(url).pathname).filter((path) => /index-.*js$/.test(path)));
  await composer(page).waitFor();
  await isKept(page);
  proxy.state.version = 'v2';
  await page.reload();
  assert.equal(await version(), 'v2', 'the server is asked first');
  await until(page, async () => (await (await (await caches.open('melete-app')).match('/')).text()).includes('content="v2"'));
  const kept = await keptScripts();
  assert.ok(kept.length === 1 && kept[0].includes('-v2-'), `${kept}`);
  proxy.close();
  await lookAgain(page);
  await away(page).waitFor();
  await page.reload();
  await away(page).waitFor();
  assert.equal(await version(), 'v2', 'what is kept is the newest');
  await composer(page).fill('half a question');
  proxy.state.version = 'v3';
  await proxy.open();
  await page.waitForFunction(() => document.querySelector('meta[name=version]')?.content === 'v3');
  await composer(page).waitFor();
  assert.equal(await composer(page).inputValue(), 'half a question');
  proxy.close();
  await page.context().close();
});
