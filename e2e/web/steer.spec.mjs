// Steering what is under way: answer now, end an agent, take one's answer; and what the answer took.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { checkAxeInBothThemes, choose, composer, openPage, slowDown, speedUp, stage } from './app.mjs';

const here = stage();
afterEach(() => {
  here.server.thaw();
  return speedUp();
});

const answered = (page) => page.locator('article[aria-label=Melete] footer').waitFor();

// What the page shows once all has arrived that the server had sent.
async function settled(page) {
  const shown = () => page.evaluate(() => [...document.querySelectorAll('.lane :is(.words, .state)')].map((node) => node.textContent).join());
  for (let before = null, now = await shown(); now !== before; now = await shown()) {
    before = now;
    await page.waitForTimeout(300);
  }
}

// Agents end when they like, and a run may be over before a slow page shows its beginning. So others make its steps slow, and
// the server is frozen as soon as it has begun: what the page then shows stays true until it thaws.
async function frozenAtWork(agents) {
  await slowDown(here.url);
  await choose(here.url, { mode: 'contemplating', effort: 'xhigh', temperature: 2, agents });
  const page = await openPage(here.browser, here.url);
  await composer(page).fill('What is 27 + 58?');
  const begun = page.waitForResponse((response) => response.url().endsWith('/answers'));
  await composer(page).press('Enter');
  await begun;
  here.server.freeze();
  const canAnswer = page.locator('.lane').getByRole('button', { name: /^Have agent \d+ answer now$/ });
  for (await settled(page); (await canAnswer.count()) < 2; await settled(page)) {
    here.server.thaw();
    await page.waitForTimeout(20);
    here.server.freeze();
  }
  const [ended, taken] = (await canAnswer.evaluateAll((buttons) => buttons.map((button) => button.ariaLabel))).map((label) => Number(/\d+/.exec(label)[0]));
  return { page, ended, taken };
}

// What the server did last may not have been told yet when it is frozen, and a wish then comes too late: it is wished again.
async function inTime(wish) {
  for (let attempt = 0; attempt < 4; ++attempt) {
    const done = await wish();
    if (done.fulfilled) return done;
    await done.page.check();
  }
  return assert.fail('no wish was fulfilled in time');
}

async function endOneAndHurryAnother() {
  const { page, ended, taken } = await frozenAtWork(64);
  const end = page.getByRole('button', { name: `End agent ${ended}`, exact: true });
  await end.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: `Have agent ${taken} answer now` }).click();
  here.server.thaw();
  await speedUp();
  await answered(page);
  const log = await logOf(page);
  const told = (agent, kind, why) => new RegExp(`"agent":${agent - 1},"kind":"agent.${kind}"[^\\n]*${why}`).test(log);
  return { page, ended, taken, fulfilled: told(ended, 'killed', '"reason":"user"') && told(taken, 'closed', '"by":"user"') };
}

async function takeOne() {
  const { page, taken } = await frozenAtWork(64);
  await page.getByRole('button', { name: `Take agent ${taken}’s answer` }).click();
  here.server.thaw();
  await speedUp();
  await answered(page);
  return { page, taken, fulfilled: (await logOf(page)).includes(`"agent":${taken - 1},"kind":"agent.pinned"`) };
}

async function hurryAll() {
  const { page } = await frozenAtWork(64);
  await page.getByRole('button', { name: 'Answer now', exact: true }).click();
  here.server.thaw();
  await speedUp();
  await answered(page);
  return { page, fulfilled: /"agent.closed"[^\n]*"by":"user"/.test(await logOf(page)) };
}

test('an agent is ended, and one answers now', async () => {
  const { page, ended, taken } = await inTime(endOneAndHurryAnother);
  const lane = (n) => page.locator('.panel .lane').nth(n - 1);
  if (!(await lane(1).count())) await page.locator('.panel .fold').click();
  await lane(ended).getByText('stopped').waitFor();
  await lane(taken).getByRole('button', { name: `Agent ${taken}`, exact: true }).click();
  assert.match(await page.getByRole('dialog').innerText(), /asked to answer/);
  await page.check();
});

test('an agent’s answer is taken', async () => {
  const { page, taken } = await inTime(takeOne);
  const lane = page.locator('.panel .lane').nth(taken - 1);
  if (!(await lane.count())) await page.locator('.panel .fold').click();
  await page.getByText('You chose this agent’s answer.').waitFor();
  assert.ok(await lane.evaluate((node) => node.classList.contains('wins')));
  await page.reload(); // the log has it as well
  await page.locator('.panel .fold').click();
  await page.getByText('You chose this agent’s answer.').waitFor();
  await page.check();
});

const logOf = (page) =>
  page.evaluate(async () => {
    const tree = await (await fetch(`/api${location.hash.replace('#/c', '/conversations')}`)).json();
    return await (await fetch(`/api/answers/${tree.messages.at(-1).meta.answer}/events`)).text();
  });

test('agents at work, for axe', async () => {
  const { page } = await frozenAtWork(16);
  await checkAxeInBothThemes(page, 'agents that can be steered');
  assert.ok((await page.locator('.panel .lane .acts').count()) > 0);
  here.server.thaw();
  await page.check();
});

test('all agents answer now', async () => {
  const { page } = await inTime(hurryAll);
  await page.check();
});

test('reasoning ends and the answer comes, by button and by key', async () => {
  await slowDown(here.url);
  await choose(here.url, { mode: 'thinking', effort: 'xhigh', temperature: 2 });
  const page = await openPage(here.browser, here.url);
  await composer(page).fill('What is 385274 + 928465?');
  await composer(page).press('Enter');
  const last = page.locator('article[aria-label=Melete]').last();
  const steps = {
    button: () => last.getByRole('button', { name: 'Answer now', exact: true }).click({ timeout: 4000 }),
    key: () => page.locator('[aria-label=Messages]').press('a'),
  };
  let count = 1;
  for (const way of ['button', 'key']) {
    let isClosed = false;
    // The model may be done before anybody asks it to: then once more.
    for (let attempt = 0; attempt < 6 && !isClosed; ++attempt) {
      await last.locator('.reasoning .fold', { hasText: /[1-9]\d* tokens/ }).waitFor();
      await steps[way]().catch(() => {});
      await last.locator('footer').waitFor();
      isClosed = /asked to answer/.test(await last.locator('.reasoning .fold').innerText());
      await composer(page).fill('What is 385274 + 928465?');
      await composer(page).press('Enter');
      await page.locator('article[aria-label=Melete]').nth(count++).waitFor();
    }
    assert.ok(isClosed, `by ${way}`);
  }
  await speedUp();
  await last.locator('footer').waitFor();
  await last.locator('.meter').click();
  assert.match(await last.locator('dl').innerText(), /Processor time\s+[\d.]+ m?s[\s\S]*Most memory\s+[\d.]+ [MG]B/);
  await page.check();
});
