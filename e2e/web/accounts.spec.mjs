// Passwords, invitations, keys; what two users see of each other; everything saved, brought back and deleted.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask, download, makeKey, openPage, setPassword, stage } from './app.mjs';

const here = stage();

test('all sections of the settings', async () => {
  const page = await openPage(here.browser, `${here.url}/#/settings/general`);
  for (const section of ['General', 'Answers', 'Models', 'Data', 'Account', 'Keys', 'People']) {
    await page.getByRole('navigation', { name: 'Settings' }).getByRole('link', { name: section }).click();
    await page.getByRole('heading', { name: section, exact: true }).waitFor();
  }
  await page.check();
});

test('what is chosen for answers is sent', async () => {
  const page = await openPage(here.browser, `${here.url}/#/settings/answers`);
  await page.getByLabel('Seed').fill('7');
  await page.getByLabel('Seed').blur();
  await page.waitForResponse((response) => response.url().endsWith('/api/settings') && response.request().method() === 'PUT');
  await page.goto(`${here.url}/#/`);
  const asked = page.waitForRequest((request) => request.url().endsWith('/answers'));
  await ask(page, 'Hello');
  assert.equal((await asked).postDataJSON().seed, 7);
  await page.locator('.meter').click();
  assert.match(await page.locator('article dl').innerText(), /Seed\s+7\b/);
  await page.check();
});

test('save everything, delete everything, bring it back', async () => {
  const page = await openPage(here.browser, here.url);
  await ask(page, 'Who are you?');
  await page.goto(`${here.url}/#/settings/data`);
  const saved = await download(page, () => page.getByRole('link', { name: 'As JSON' }).click());
  assert.equal(JSON.parse(saved.text.toString()).format, 'melete export');
  const asPage = await download(page, () => page.getByRole('link', { name: 'As a page' }).click());
  assert.match(asPage.text.toString(), /Who are you\?/);
  await page.getByRole('button', { name: 'Delete all…' }).click();
  await page.getByRole('button', { name: 'Delete all', exact: true }).click();
  await page.getByText('All conversations are deleted.').waitFor();
  assert.equal(await page.locator('nav[aria-label=Conversations] li').count(), 0);
  const path = join(process.env.E2E_DIR ?? tmpdir(), 'melete-import.json');
  writeFileSync(path, saved.text);
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByRole('button', { name: 'Choose a file' }).click()]);
  await chooser.setFiles(path);
  await page.getByRole('link', { name: 'Who are you?' }).waitFor();
  await page.check();
});

test('a password, an invitation, two users who see nothing of each other, a key', async () => {
  const page = await openPage(here.browser, here.url);
  await ask(page, 'What is 2 + 3?');
  await page.waitForURL(/#\/c\//);
  const mine = page.url();
  // A key first needs a password.
  await makeKey(page, here.url);
  await page.getByRole('button', { name: 'Set it' }).click();
  await setPassword(page);
  await makeKey(page, here.url);
  const key = await page.getByLabel('The key laptop').innerText();
  const list = () => fetch(`${here.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
  assert.equal((await list()).status, 200);
  await page.getByRole('button', { name: 'Revoke' }).click();
  await page.getByText('; revoked').waitFor();
  assert.equal((await list()).status, 401);
  // Bob comes with an invitation.
  await page.goto(`${here.url}/#/settings/people`);
  await page.getByLabel('For', { exact: true }).fill('Bob');
  await page.getByRole('button', { name: 'Invite' }).click();
  const link = await page.getByLabel('The invitation’s link').innerText();
  assert.ok(link.startsWith(`${here.url}/#/invitation/`));
  const bob = await openPage(here.browser, link);
  await bob.getByLabel('Name').fill('bob');
  await bob.getByLabel('Password', { exact: true }).fill('hunter2 hunter2');
  await bob.getByLabel('Password again').fill('hunter2 hunter2');
  await bob.getByRole('button', { name: 'Make it and log in' }).click();
  await bob.locator('.welcome').waitFor();
  assert.equal(await bob.locator('nav[aria-label=Conversations] li').count(), 0);
  await bob.goto(mine);
  await bob.getByText('This conversation doesn’t exist.').waitFor();
  assert.equal(await bob.getByRole('link', { name: 'People' }).count(), 0);
  await bob.goto(`${here.url}/#/`);
  await ask(bob, 'What is 4 + 4?');
  await page.reload();
  await page.goto(`${here.url}/#/`);
  await page.locator('nav[aria-label=Conversations] li').first().waitFor();
  assert.equal(await page.getByRole('link', { name: 'What is 4 + 4?' }).count(), 0);
  // Logging out and in.
  await bob.goto(`${here.url}/#/settings/account`);
  assert.ok((await bob.evaluate(() => Object.keys(sessionStorage).filter((name) => name.startsWith('kept /api/conv')).length)) > 0);
  await bob.getByRole('button', { name: 'Log out', exact: true }).click();
  await bob.getByRole('heading', { name: 'Log in to Melete' }).waitFor();
  assert.equal(await bob.evaluate(() => Object.keys(sessionStorage).filter((name) => name.startsWith('kept /api/conv')).length), 0, 'what was read is forgotten');
  await bob.getByLabel('Name').fill('bob');
  await bob.getByLabel('Password').fill('wrong wrong');
  await bob.getByRole('button', { name: 'Log in' }).click();
  await bob.getByRole('alert').waitFor();
  await bob.getByLabel('Password').fill('hunter2 hunter2');
  await bob.getByRole('button', { name: 'Log in' }).click();
  await bob.getByRole('link', { name: 'What is 4 + 4?' }).waitFor();
  // Bob is deleted: his page asks him to log in.
  await page.goto(`${here.url}/#/settings/people`);
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  const deleted = page.waitForResponse((response) => response.request().method() === 'DELETE');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
  assert.equal((await deleted).status(), 204);
  await bob.getByRole('link', { name: 'What is 4 + 4?' }).click();
  await bob.getByRole('heading', { name: 'Log in to Melete' }).waitFor();
  await bob.check();
  await page.check();
});
