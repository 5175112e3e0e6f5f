// What the tests in a browser share: a server with a folder of its own, Chromium, and a page that reports what goes wrong.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before } from 'node:test';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const web = resolve(import.meta.dirname, '../../web');
const require = createRequire(join(web, 'package.json'));
const { chromium } = require('playwright-core');
const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

export const root = resolve(import.meta.dirname, '../..');
export const example = (name) => join(root, 'examples', name);

// The program at an address, and where it serves.
async function spawnServer(folder, address) {
  const server = spawn(process.env.MELETE, ['serve', '--listen', address, '--threads', '2', '--data', folder], {
    cwd: root,
    env: { ...process.env, XDG_DATA_HOME: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise((found, failed) => {
    let text = '';
    server.stdout.on('data', (piece) => {
      text += piece;
      const line = /^melete serves at (http\S+) /m.exec(text);
      if (line) found(line[1]);
    });
    server.on('exit', (code) => failed(new Error(`the server ended with ${code}: ${text}`)));
  });
  const end = async () => {
    if (server.exitCode !== null || server.signalCode) return;
    const ended = new Promise((done) => server.on('exit', done));
    server.kill('SIGINT');
    const timer = setTimeout(() => server.kill('SIGKILL'), 15_000);
    await ended;
    clearTimeout(timer);
  };
  return { url, end, kill: (signal) => server.kill(signal) };
}

// halt() ends it, and resume() starts it again where it was. While it is frozen nothing of it goes on, though it can be
// asked: what the page shows then stays true until thaw().
export async function startServer() {
  const folder = mkdtempSync(join(process.env.E2E_DIR ?? tmpdir(), 'app-'));
  let running = await spawnServer(folder, '127.0.0.1:0');
  const { url } = running;
  return {
    url,
    halt: () => running.end(),
    freeze: () => running.kill('SIGSTOP'),
    thaw: () => running.kill('SIGCONT'),
    async resume() {
      running = await spawnServer(folder, new URL(url).host);
    },
    async stop() {
      running.kill('SIGCONT'); // a test that failed may have left it frozen
      await running.end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const startBrowser = (more = []) =>
  chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage', ...more] });

// What the tests of one file share: a `server`, its `url`, and a `browser`, from before the first to after the last.
export function stage(more = async () => {}) {
  const here = { url: '', browser: null, server: null };
  before(async () => {
    here.server = await startServer();
    here.url = here.server.url;
    here.browser = await startBrowser();
    await more(here);
  });
  after(async () => {
    await here.browser?.close();
    await here.server?.stop();
  });
  return here;
}

// A page of its own context. It fails the test at its end (check()) for errors in the page and requests to other hosts.
export async function openPage(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, acceptDownloads: true, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(40_000);
  const problems = [];
  const origin = url === 'about:blank' ? '' : new URL(url).origin;
  page.on('pageerror', (error) => problems.push(`error in the page: ${error.stack ?? error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) problems.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    if (origin && !/^(data|blob):/.test(request.url()) && new URL(request.url()).origin !== origin) problems.push(`a request to ${request.url()}`);
  });
  page.check = async () => {
    assert.deepEqual(problems, []);
    await context.close();
  };
  page.problems = problems;
  await page.goto(url);
  return page;
}

// What axe-core finds amiss in a page or a frame.
export async function axeIn(frame) {
  await frame.evaluate(axeSource);
  return frame.evaluate(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ['violations'] });
    return violations.map(({ id, help, nodes }) => ({ id, help, at: nodes.slice(0, 4).map((node) => `${node.html.slice(0, 160)} ${node.any[0]?.message ?? ''}`) }));
  });
}

// Nothing moves any more, but for what always does.
export async function atRest(page) {
  await page.waitForTimeout(80);
  await page.waitForFunction(() => document.getAnimations().every((each) => each.playState !== 'running' || each.effect?.getTiming().iterations === Infinity));
}

export async function checkAxeInBothThemes(page, what, frame = page) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await atRest(page);
    assert.deepEqual(await axeIn(frame), [], `axe: ${what}, ${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

// Fields of /api/settings for all questions to come.
export async function choose(url, settings, headers = {}) {
  const response = await fetch(`${url}/api/settings`, { method: 'PUT', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(settings) });
  assert.equal(response.status, 200);
}

// Brings conversations in as a saved file would: each {id, title, messages, ...}.
export async function bringIn(url, ...conversations) {
  const whole = await (await fetch(`${url}/api/export`)).json();
  const usual = { pinned: false, created_ms: 1, updated_ms: 2 };
  const all = conversations.map((each) => ({ ...usual, active_leaf: each.messages.at(-1)?.id ?? '', ...each }));
  const response = await fetch(`${url}/api/import`, { method: 'POST', body: JSON.stringify({ ...whole, files: [], conversations: all, responses: [], answers: [] }) });
  assert.equal(response.status, 200, await response.text());
}

// A conversation of these texts, the first by the user, and its address.
let talks = 0;
export async function talkOf(url, title, ...texts) {
  const id = `conv_${String(++talks).padStart(32, 'a')}`;
  const messages = [];
  texts.forEach((text, i) => {
    const role = i % 2 ? 'assistant' : 'user';
    const { content = text, ...more } = typeof text === 'string' ? {} : text;
    const meta = role === 'assistant' ? { status: 'completed', mode: 'instant', model: 'm', finish: 'stop' } : {};
    messages.push({ id: `msg_${String(1000 * talks + i).padStart(32, 'a')}`, parent: messages.at(-1)?.id ?? '', role, content, meta, files: [], created_ms: 1000 * talks + i, ...more });
  });
  await bringIn(url, { id, title, messages });
  return `${url}/#/c/${id}`;
}

// 2,000 messages with some Markdown in each answer.
export async function longTalk(url) {
  const id = (i) => `msg_${String(i).padStart(32, 'b')}`;
  const answered = (i) => ({ content: `Answer **${i}**\n\n- one\n- two\n\n\`code\` and more words in a paragraph that is somewhat longer.`, meta: { answer: `ans_${i}`, status: 'completed', model: 'melete-instant', mode: 'instant', seed: 1, finish: 'stop' } });
  const messages = Array.from({ length: 2000 }, (_, i) => ({ id: id(i), parent: i ? id(i - 1) : '', role: i % 2 ? 'assistant' : 'user', files: [], created_ms: i + 1, ...(i % 2 ? answered(i) : { content: `Question ${i}`, meta: {} }) }));
  await bringIn(url, { id: `conv_${'9'.repeat(32)}`, title: 'Long', updated_ms: 4e12, messages });
}

let slowing = [];

// Agents that write nonsense for long, beside others that take most of the machine: something to stop and to come back to.
export async function slowDown(url) {
  await choose(url, { mode: 'contemplating', agents: 128, effort: 'xhigh', temperature: 2 });
  const end = new AbortController();
  const body = { model: 'melete-contemplating', stream: true, temperature: 2, max_tokens: 3000, melete: { agents: 256, delta: 1e-6, budget_tokens: 64000 }, messages: [{ role: 'user', content: 'What is 2 + 3?' }] };
  const one = async () => {
    while (!end.signal.aborted) {
      const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), signal: end.signal });
      for await (const _ of response.body) if (end.signal.aborted) return;
    }
  };
  const all = Array.from({ length: 4 }, () => one().catch(() => {}));
  slowing.push(async () => {
    end.abort();
    await Promise.all(all);
  });
}

export async function speedUp() {
  await Promise.all(slowing.map((end) => end()));
  slowing = [];
}

// An answer as the server streams it, in as many parts as there are pieces of its text.
export function streamOf(pieces) {
  const frame = (name, data) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
  const meta = { answer: 'ans_x', status: 'running', model: 'm', mode: 'instant', seed: 1 };
  const answer = { id: 'msg_a', parent: 'msg_q', role: 'assistant', content: '', meta, files: [], created_ms: 1 };
  const question = { id: 'msg_q', parent: null, role: 'user', content: 'go', meta: {}, files: [], created_ms: 1 };
  let seq = 0;
  const run = (agent, kind, data) => frame('run', { seq: seq++, agent, kind, token: seq, data });
  const begin = frame('message', question) + frame('answer', answer) + run(-1, 'run.started', { mode: 'instant', agents: 1, seed: 1 }) + run(0, 'agent.spawned', {});
  const parts = pieces.map((text) => run(0, 'agent.delta', { channel: 'answer', text }));
  parts[0] = begin + parts[0];
  parts.push(parts.pop() + frame('done', { message: { ...answer, content: pieces.join(''), meta: { ...meta, status: 'completed' } } }));
  return parts;
}

// From now on the page's questions are answered by these pieces, one every so many ms, instead of by the server.
export async function answerWith(page, pieces, ms) {
  await page.evaluate(
    ({ parts, ms }) => {
      const original = window.fetch;
      window.fetch = (path, options) => {
        if (!String(path).endsWith('/answers')) return original(path, options);
        const encoder = new TextEncoder();
        const body = new ReadableStream({
          start(controller) {
            let at = 0;
            const timer = setInterval(() => {
              controller.enqueue(encoder.encode(parts[at++]));
              if (at < parts.length) return;
              clearInterval(timer);
              controller.close();
            }, ms);
          },
        });
        return Promise.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } }));
      };
    },
    { parts: streamOf(pieces), ms },
  );
}

export const composer = (page) => page.getByLabel('Your message');

export async function ask(page, text) {
  const before = await page.locator('article[aria-label=Melete]').count();
  await composer(page).fill(text);
  await composer(page).press('Enter');
  await page.locator('article[aria-label=Melete]').nth(before).locator('footer').waitFor();
}

export const lastAnswer = (page) => page.locator('article[aria-label=Melete] .prose').last();

export async function download(page, act) {
  const [file] = await Promise.all([page.waitForEvent('download'), act()]);
  return { name: file.suggestedFilename(), text: readFileSync(await file.path()) };
}

// In the settings of one's account, where the page is.
export async function setPassword(page) {
  await page.getByLabel('New', { exact: true }).fill('correct horse battery');
  await page.getByLabel('New again').fill('correct horse battery');
  await page.getByRole('button', { name: 'Set', exact: true }).click();
  await page.getByText('The password is set.').waitFor();
}

// Asks for a key named laptop, which needs a password.
export async function makeKey(page, url) {
  await page.goto(`${url}/#/settings/keys`);
  await page.getByLabel('Name').fill('laptop');
  await page.getByRole('button', { name: 'Make a key' }).click();
}
