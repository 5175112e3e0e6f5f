// Hostile content in answers, reasoning, votes, titles, file names and files: none of it runs in the app, nothing of it
// becomes an element that could, and that holds without the content security policy as well.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bringIn, composer, openPage, stage, talkOf } from './app.mjs';
import { vectors } from './vectors.mjs';

const here = stage();

// A conversation of the export's form: each vector is said, answered, thought and voted for.
async function importVectors() {
  const messages = [];
  const form = new FormData();
  for (const vector of vectors.slice(0, 20)) form.append('file', new Blob([vector], { type: 'text/plain' }), `${vector.replaceAll(/["\r\n]/g, '')}.csv`);
  form.append('file', new Blob(['<svg xmlns="http://www.w3.org/2000/svg" onload="window.hit=1"><script>window.hit=1</script></svg>'], { type: 'image/svg+xml' }), 'a.svg');
  form.append('file', new Blob(['<script>window.hit=1</script>'], { type: 'text/html' }), 'a.html');
  const kept = await (await fetch(`${here.url}/api/files`, { method: 'POST', body: form })).json();
  let parent = '';
  const say = (role, content, meta, files = []) => {
    const id = `msg_${String(messages.length).padStart(32, '0')}`;
    messages.push({ id, parent, role, content, meta, files, created_ms: 1 + messages.length });
    parent = id;
  };
  vectors.forEach((vector, i) => {
    const file = kept.files[i];
    say('user', file ? [{ type: 'file', file_id: file.id }, { type: 'text', text: vector }] : vector, {}, file ? [file.id] : []);
    const details = {
      marks: [], mode: 'thinking', finish: vector, seed: 1, tokens: { prompt: 1, reasoning: 2, answer: 3, forced: 0 },
      timings: { prefill_s: 0.1, first_token_s: 0.1, total_s: 0.2 }, vote: { counts: [{ answer: vector, votes: 2 }], agent: 0, mode_e_value: 1, mode_certified: false },
    };
    say('assistant', vector, { answer: `ans_${i}`, status: i % 7 ? 'completed' : 'failed', error: vector, model: vector, mode: i % 5 ? 'thinking' : 'contemplating', seed: 1, reasoning: vector, finish: vector, details });
  });
  const id = `conv_${'0'.repeat(32)}`;
  const titles = vectors.slice(0, 30).map((vector, i) => ({ id: `conv_${String(i + 1).padStart(32, '0')}`, title: vector, messages: [] }));
  await bringIn(here.url, { id, title: vectors[3], updated_ms: 3, messages }, ...titles);
  const found = await (await fetch(`${here.url}/api/conversations?limit=200`)).json();
  return found.conversations.find((each) => each.num_messages === messages.length).id;
}

// What must not be in the page, and whether anything ran. `frames`: an artifact's may be there.
const inspect = (page, frames = false) =>
  page.evaluate((frames) => {
    const found = [];
    if (window.hit !== undefined) found.push('a script ran');
    for (const node of document.querySelectorAll('#app *')) {
      if (frames && node.tagName === 'IFRAME' && node.src.endsWith('/frame')) continue;
      if (/^(script|iframe|object|embed|base|meta|link|marquee|template|foreignobject)$/i.test(node.tagName)) found.push(`<${node.tagName}>`);
      for (const { name, value } of node.attributes) {
        if (/^on/i.test(name)) found.push(`${node.tagName} ${name}`);
        if (/^(href|src|action|formaction|xlink:href)$/i.test(name) && !/^(https?:\/\/|mailto:|#\/|#composer$|\/(api\/files|api\/export|openapi|assets)|data:image\/(png|jpeg|gif|webp);base64,|blob:)/.test(value)) found.push(`${node.tagName} ${name}=${value}`);
      }
      if (node.id === 'app' || (node.closest('.prose') && (node.id || node.getAttribute('name') || node.hasAttribute('style')) && !node.closest('math'))) found.push(`${node.tagName} #${node.id}`);
    }
    return [...new Set(found)];
  }, frames);

for (const bypassCSP of [false, true]) {
  test(`stored content, ${bypassCSP ? 'without' : 'with'} the policy`, async () => {
    assert.ok(vectors.length >= 60, `${vectors.length} vectors`);
    const id = await importVectors();
    const page = await openPage(here.browser, `${here.url}/#/c/${id}`, { bypassCSP });
    page.on('dialog', (dialog) => (page.problems.push('a dialog'), dialog.dismiss()));
    await page.locator('article').first().waitFor();
    // All of it: earlier messages are drawn as one scrolls up.
    for (let count = 0, tries = 0; count < vectors.length * 2 && ++tries < 200; count = await page.locator('article').count()) {
      await page.locator('[aria-label=Messages]').evaluate((node) => (node.scrollTop = 0));
      await page.waitForTimeout(60);
    }
    assert.equal(await page.locator('article').count(), vectors.length * 2);
    for (const fold of await page.locator('article .fold, article .meter').all()) await fold.evaluate((node) => node.click());
    await page.waitForTimeout(500); // code is coloured, formulas are set
    await page.evaluate(() => {
      for (const node of document.querySelectorAll('.prose *, nav li *')) for (const kind of ['mouseover', 'pointerover', 'focus']) node.dispatchEvent(new Event(kind, { bubbles: true }));
    });
    assert.deepEqual(await inspect(page), []);
    assert.ok((await page.locator('.prose').allInnerTexts()).some((text) => text.includes('<img src=x onerror=window.hit=1>')), 'raw HTML is shown as what it is');
    assert.ok((await page.locator('.prose math').count()) > 0, 'formulas are set');
    await page.getByLabel('Search conversations').fill('script');
    await page.locator('.hits li a').first().waitFor();
    assert.deepEqual(await inspect(page), []);
    await page.check();
  });
}

test('a stream of hostile pieces', async () => {
  const page = await openPage(here.browser, here.url);
  const all = vectors.join('\n\n');
  const frame = (name, data) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
  const meta = { answer: 'ans_x', status: 'running', model: 'm', mode: 'thinking', seed: 1 };
  const message = { id: 'msg_q', parent: null, role: 'user', content: 'go', meta: {}, files: [], created_ms: 1 };
  const answer = { id: 'msg_a', parent: 'msg_q', role: 'assistant', content: '', meta, files: [], created_ms: 1 };
  await page.route('**/answers', async (route) => {
    let seq = 0;
    const run = (agent, kind, data) => frame('run', { seq: seq++, agent, kind, token: seq, data });
    let body = frame('message', message) + frame('answer', answer) + run(-1, 'run.started', { mode: 'thinking', agents: 1, seed: 1 }) + run(0, 'agent.spawned', { max_reasoning_tokens: 9 });
    for (const channel of ['reasoning', 'answer']) for (let at = 0; at < all.length; at += 5) body += run(0, 'agent.delta', { channel, text: all.slice(at, at + 5) });
    body += run(0, 'mark.added', { kind: 'point', label: vectors[3], at: [1, 2], text_bytes: 40, channel: 'reasoning' });
    body += frame('done', { message: { ...answer, content: all, meta: { ...meta, status: 'completed', reasoning: all } } });
    await route.fulfill({ status: 200, contentType: 'text/event-stream', body });
  });
  await composer(page).fill('go');
  await composer(page).press('Enter');
  await page.locator('article[aria-label=Melete] footer').waitFor();
  assert.deepEqual(await inspect(page), []);
  await page.check();
});

test('titles, sources and consoles of artifacts', async () => {
  const page = await openPage(here.browser, 'about:blank', { bypassCSP: true });
  page.on('dialog', (dialog) => (page.problems.push('a dialog'), dialog.dismiss()));
  // As a title, as a whole page that runs, and as what a page says.
  const answers = vectors.map((vector, i) => `\`\`\`html title="${vector.replaceAll(/["\n\`]/g, '')} ${i}"\n<title>${vector}</title>\n<p>page ${i}</p><script>console.log(${JSON.stringify(vector).replaceAll('<', '\\u003c')})</script>\n${vector}\n\`\`\``);
  const url = await talkOf(here.url, 'Hostile artifacts', ...answers.flatMap((answer, i) => [`Question ${i}`, answer]));
  await page.goto(url);
  await page.locator('section.artifact').first().waitFor();
  for (let count = 0, tries = 0; count < vectors.length * 2 && ++tries < 200; count = await page.locator('article').count()) {
    await page.locator('[aria-label=Messages]').evaluate((node) => (node.scrollTop = 0));
    await page.waitForTimeout(60);
  }
  assert.ok((await page.locator('section.artifact').count()) >= 60, 'they are artifacts');
  const run = page.locator('section.artifact').getByRole('button', { name: 'Run', exact: true });
  for (let i = 0; i < 12; ++i) {
    const one = page.locator('section.artifact').nth(5 * i);
    await one.getByRole('button', { name: 'Run', exact: true }).click();
    await one.locator('iframe').waitFor();
    await one.getByRole('button', { name: /^Console/ }).click();
  }
  assert.ok((await run.count()) >= 40);
  await page.waitForTimeout(1500);
  for (const one of await page.locator('section.artifact').all()) await one.getByRole('button', { name: 'Source', exact: true }).evaluate((button) => button.getRootNode() && button.click());
  assert.deepEqual(await inspect(page, true), []);
  await page.goto(`${here.url}/#/artifacts`);
  await page.locator('.lines').nth(20).waitFor();
  assert.deepEqual(await inspect(page, true), []);
  await page.locator('li > button').nth(3).click();
  await page.getByRole('dialog').locator('iframe').waitFor();
  assert.deepEqual(await inspect(page, true), []);
  assert.equal(await page.evaluate(() => window.hit), undefined);
  await page.context().close();
});

test('names and contents of documents', async () => {
  const all = vectors.map((vector, i) => new File([`x.pdf: 1 page, cited like [page ${i}]\n\n[page ${i}]\n${vector}\n`], `${vector.replaceAll(/["\r\n/]/g, '')} ${i}.pdf.txt`, { type: 'text/plain' }));
  const files = [];
  while (files.length < all.length) {
    const form = new FormData();
    for (const file of all.slice(files.length, files.length + 60)) form.append('file', file); // as many as one request may hold
    files.push(...(await (await fetch(`${here.url}/api/files`, { method: 'POST', body: form })).json()).files);
  }
  assert.equal(files.length, vectors.length);
  const content = [...files.map((file) => ({ type: 'file', file_id: file.id })), { type: 'text', text: 'What do they say?' }];
  const url = await talkOf(here.url, 'Hostile documents', { content, files: files.map((file) => file.id) }, vectors.map((vector, i) => `[page ${i}] ${vector}`).join('\n\n'));
  const page = await openPage(here.browser, url, { bypassCSP: true });
  page.on('dialog', (dialog) => (page.problems.push('a dialog'), dialog.dismiss()));
  const cards = page.locator('article[aria-label=You] button.card');
  await cards.nth(vectors.length - 1).waitFor();
  assert.deepEqual(await inspect(page), []);
  for (let i = 0; i < vectors.length; i += 6) {
    await cards.nth(i).click();
    await page.getByRole('dialog').waitFor();
    assert.deepEqual(await inspect(page), [], vectors[i]);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  }
  await page.check();
});

test('files of pages and drawings are only saved', async () => {
  for (const [type, name] of [['text/html', 'a.html'], ['image/svg+xml', 'a.svg'], ['text/javascript', 'a.js'], ['application/xhtml+xml', 'a.xhtml']]) {
    const form = new FormData();
    form.append('file', new Blob([`<svg xmlns="http://www.w3.org/2000/svg"><script>window.hit=1</script></svg>${name}`], { type }), name);
    const { files } = await (await fetch(`${here.url}/api/files`, { method: 'POST', body: form })).json();
    const got = await fetch(`${here.url}/api/files/${files[0].id}/content`);
    assert.equal(got.headers.get('content-type'), 'application/octet-stream');
    assert.match(got.headers.get('content-disposition'), /^attachment/);
    assert.match(got.headers.get('content-security-policy'), /sandbox/);
    assert.equal(got.headers.get('x-content-type-options'), 'nosniff');
  }
});
