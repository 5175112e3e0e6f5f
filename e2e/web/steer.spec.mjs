// Steering what is under way: answer now, end an agent, take one's answer; and what the answer took.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { checkAxeInBothThemes, choose, composer, openPage, slowDown, speedUp, stage } from './app.mjs';

const here = stage();
afterEach(speedUp);

async function asked(more, question = 'What is 27 + 58?') {
  await slowDown(here.url);
  await choose(here.url, { effort: 'xhigh', temperature: 2, agents: 128, ...more });
  const page = await openPage(here.browser, here.url);
  await composer(page).fill(question);
  await composer(page).press('Enter');
  return page;
}
const answered = (page) => page.locator('article[aria-label=Melete] footer').waitFor();

// Agents end when they like: who is still at work is known only while the server is frozen.
async function whileFrozen(page, act) {
  here.server.freeze();
  const shown = () => page.evaluate(() => [...document.querySelectorAll('.lane :is(.words, .state)')].map((node) => node.textContent).join());
  for (let before = '', now = await shown(); now !== before; now = await shown()) {
    before = now; // what it had sent arrives yet
    await page.waitForTimeout(300);
  }
  await act();
  here.server.thaw();
}

test('an agent is ended, and one is taken', async () => {
  const page = await asked({ mode: 'contemplating' });
  const reasons = page.locator('.lane', { has: page.getByRole('button', { name: /^Have agent \d+ answer now$/ }) });
  const lane = (n) => page.locator('.lane').nth(n - 1);
  await reasons.nth(1).waitFor();
  let ended, taken;
  await whileFrozen(page, async () => {
    [ended, taken] = (await reasons.getByRole('button', { name: /^Agent \d+$/ }).allInnerTexts()).map((name) => Number(name.slice(6)));
    const end = page.getByRole('button', { name: `End agent ${ended}`, exact: true });
    await end.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: `Have agent ${taken} answer now` }).click();
  });
  await lane(ended).getByText('stopped').waitFor();
  assert.equal(await page.getByRole('button', { name: `End agent ${ended}`, exact: true }).count(), 0);
  await lane(taken).getByText(/^(answers|done)$/).waitFor();
  await whileFrozen(page, () => page.getByRole('button', { name: `Take agent ${taken}’s answer` }).click());
  await speedUp();
  await answered(page);
  const panel = page.locator('.panel');
  if (!(await panel.locator('.lane').count())) await panel.locator('.fold').click();
  await panel.getByText('You chose this agent’s answer.').waitFor();
  assert.ok(await lane(taken).evaluate((node) => node.classList.contains('wins')));
  await lane(taken).getByRole('button', { name: `Agent ${taken}`, exact: true }).click();
  assert.match(await page.getByRole('dialog').innerText(), /asked to answer/);
  await page.keyboard.press('Escape');
  await page.reload(); // the log has it as well
  await page.locator('.panel .fold').click();
  await page.getByText('You chose this agent’s answer.').waitFor();
  await page.check();
});

test('agents at work, for axe', async () => {
  const page = await asked({ mode: 'contemplating', agents: 16 });
  await page.locator('.panel .lane .acts').first().waitFor();
  await checkAxeInBothThemes(page, 'agents that can be steered'); // they may end meanwhile
  await page.check();
});

test('all agents answer now', async () => {
  const page = await asked({ mode: 'contemplating' });
  await page.locator('.panel .lane .words').first().waitFor();
  await page.getByRole('button', { name: 'Answer now', exact: true }).click();
  await speedUp(); // nothing else needs time any more
  await answered(page);
  const log = await page.evaluate(async () => {
    const tree = await (await fetch(`/api${location.hash.replace('#/c', '/conversations')}`)).json();
    return await (await fetch(`/api/answers/${tree.messages.at(-1).meta.answer}/events`)).text();
  });
  assert.match(log, /"agent.closed"[^\n]*"by":"user"/);
  await page.check();
});

test('reasoning ends and the answer comes, by button and by key', async () => {
  const page = await asked({ mode: 'thinking' }, 'What is 385274 + 928465?');
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
