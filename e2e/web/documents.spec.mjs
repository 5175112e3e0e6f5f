// Documents: read in the browser, sent as text with named places, cited in answers, shown where they were cited.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkAxeInBothThemes, composer, openPage, stage, talkOf } from './app.mjs';

const here = stage();

const crcTable = Array.from({ length: 256 }, (_, n) => Array.from({ length: 8 }).reduce((c) => (c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1), n));
const crc = (bytes) => ~bytes.reduce((c, byte) => crcTable[(c ^ byte) & 255] ^ (c >>> 8), -1) >>> 0;

// An archive whose parts aren't packed.
function zip(parts) {
  const files = [], directory = [];
  let at = 0;
  for (const [name, text] of Object.entries(parts)) {
    const data = Buffer.from(text);
    const head = Buffer.alloc(26);
    head.writeUInt16LE(20, 0);
    head.writeUInt32LE(crc(data), 10);
    head.writeUInt32LE(data.length, 14);
    head.writeUInt32LE(data.length, 18);
    head.writeUInt16LE(name.length, 22);
    const entry = Buffer.alloc(14);
    entry.writeUInt32LE(at, 10);
    files.push(Buffer.from('PK\x03\x04'), head, Buffer.from(name), data);
    directory.push(Buffer.from('PK\x01\x02\x14\x00'), head, entry, Buffer.from(name));
    at += 30 + name.length + data.length;
  }
  const list = Buffer.concat(directory), end = Buffer.alloc(18);
  end.writeUInt16LE(Object.keys(parts).length, 4);
  end.writeUInt16LE(Object.keys(parts).length, 6);
  end.writeUInt32LE(list.length, 8);
  end.writeUInt32LE(at, 12);
  return Buffer.concat([...files, list, Buffer.from('PK\x05\x06'), end]);
}

function pdf(pages, catalog = '') {
  const objects = [`<</Type/Catalog/Pages 2 0 R${catalog}>>`, `<</Type/Pages/Kids[${pages.map((_, i) => `${4 + 2 * i} 0 R`).join(' ')}]/Count ${pages.length}>>`, '<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>'];
  for (const text of pages) {
    const stream = `BT /F1 12 Tf 20 200 Td (${text}) Tj ET`;
    objects.push(`<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents ${objects.length + 2} 0 R/Resources<</Font<</F1 3 0 R>>>>>>`, `<</Length ${stream.length}>>stream\n${stream}\nendstream\n`);
  }
  return Buffer.from(`%PDF-1.4\n${objects.map((object, i) => `${i + 1} 0 obj${object}endobj\n`).join('')}trailer<</Root 1 0 R>>\n%%EOF`, 'latin1');
}

const hostile = '&lt;img src=x onerror=window.hit=1&gt;&lt;script&gt;window.hit=1&lt;/script&gt;';
const paragraph = (text, style = '') => `<w:p><w:pPr>${style && `<w:pStyle w:val="${style}"/>`}</w:pPr><w:r><w:t>${text}</w:t></w:r></w:p>`;
const files = {
  'report.pdf': pdf(['The first page is about apples.', 'Pears cost 3.', 'The end.'], '/OpenAction<</S/JavaScript/JS(app.alert\\(1\\); window.hit=1)>>'),
  'letter.docx': zip({ 'word/document.xml': `<w:document><w:body>${paragraph('Opening', 'Heading1')}${paragraph(`Dear ${hostile}`)}${paragraph('Closing', 'Heading1')}${paragraph('Yours')}</w:body></w:document>` }),
  'prices.xlsx': zip({
    'xl/workbook.xml': '<workbook><sheets><sheet name="Fruit list" sheetId="1" r:id="r1"/></sheets></workbook>',
    'xl/_rels/workbook.xml.rels': '<Relationships><Relationship Id="r1" Target="worksheets/sheet1.xml"/></Relationships>',
    'xl/worksheets/sheet1.xml': `<worksheet><sheetData>${Array.from({ length: 1500 }, (_, i) => `<row r="${i + 1}"><c r="A${i + 1}" t="inlineStr"><is><t>item ${i + 1}</t></is></c><c r="B${i + 1}"><v>${i * 2}</v></c></row>`).join('')}</sheetData></worksheet>`,
  }),
};

async function attach(page, name, bytes) {
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByRole('button', { name: 'Add files' }).click()]);
  await chooser.setFiles([{ name, mimeType: '', buffer: bytes }]);
}

// The files as the server has them, in a conversation whose answer cites them.
const conversationWith = (kept, answer) =>
  talkOf(here.url, 'Papers', { content: [...kept.map((file) => ({ type: 'file', file_id: file.id })), { type: 'text', text: 'What do they say?' }], files: kept.map((file) => file.id) }, answer);

test('documents become text, and citations show the place', async () => {
  const page = await openPage(here.browser, here.url);
  for (const [name, bytes] of Object.entries(files)) {
    await attach(page, name, bytes);
    await page.locator('.attached li', { hasText: name }).getByText(/ [k]?B$/).waitFor();
  }
  assert.equal(await page.locator('.attached .failed').count(), 0);
  const { files: kept } = await (await fetch(`${here.url}/api/files`)).json();
  assert.deepEqual(kept.map((file) => file.name).sort(), ['letter.docx.txt', 'prices.xlsx.txt', 'report.pdf.txt']);
  const text = await (await fetch(`${here.url}/api/files/${kept.find((file) => file.name === 'report.pdf.txt').id}/content`)).text();
  assert.equal(text, 'report.pdf: 3 pages, cited like [page 1]\n\n[page 1]\nThe first page is about apples.\n\n[page 2]\nPears cost 3.\n\n[page 3]\nThe end.\n');
  await page.goto(await conversationWith(kept, "Pears cost 3 [page 2], as in ['Fruit list'!B1400]; it ends [part 2]. See also [page 99]."));
  await page.getByRole('button', { name: '[page 2]' }).click();
  const dialog = page.getByRole('dialog', { name: 'report.pdf' });
  await page.waitForFunction(() => document.querySelector('dialog .lit')?.innerText); // what is out of sight is not drawn
  assert.match(await dialog.locator('.lit').innerText(), /Page 2\s*cited\s+Pears cost 3\./);
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: "['Fruit list'!B1400]" }).click();
  const cell = page.getByRole('dialog', { name: 'prices.xlsx' }).locator('td.lit');
  assert.match(await cell.innerText(), /B1400\s*2798/);
  await page.waitForFunction(() => {
    const { top, bottom } = document.querySelector('td.lit').getBoundingClientRect();
    return top > 0 && bottom < innerHeight;
  });
  await checkAxeInBothThemes(page, 'a cited cell');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: '[page 99]' }).click();
  await page.getByText('No document of this conversation has page 99.').waitFor();
  await page.locator('article[aria-label=You]').getByRole('button', { name: /letter\.docx/ }).click();
  await page.getByRole('dialog', { name: 'letter.docx' }).getByText('<img src=x onerror=window.hit=1>').waitFor();
  assert.equal(await page.evaluate(() => window.hit), undefined);
  assert.equal(await page.locator('dialog img, dialog script').count(), 0);
  await page.check();
});

test('what can’t be read says why', async () => {
  const page = await openPage(here.browser, here.url);
  for (const [name, bytes, why] of [
    ['broken.pdf', Buffer.from('not a PDF'), 'It can’t be read as PDF'],
    ['scan.pdf', pdf(['']), 'There is no text in it'],
    ['broken.docx', Buffer.from('PK'), 'It isn’t whole'],
    ['entities.docx', zip({ 'word/document.xml': '<!DOCTYPE x [<!ENTITY a "b">]><w:p/>' }), 'defines entities'],
    ['old.doc', Buffer.from('x'), 'save it as .pdf, .docx, .xlsx or text'],
  ]) {
    await attach(page, name, bytes);
    await page.locator('.attached .failed', { hasText: name }).getByText(why).waitFor();
  }
  await composer(page).fill('What is in it?');
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByText('A file couldn’t be sent').waitFor();
  await page.check();
});

test('a document is asked about', async () => {
  const page = await openPage(here.browser, here.url);
  await attach(page, 'report.pdf', files['report.pdf']);
  await composer(page).fill('What is the price of milk?');
  await composer(page).press('Enter');
  await page.locator('article[aria-label=Melete] footer').waitFor();
  await page.locator('article[aria-label=You]').getByRole('button', { name: /report\.pdf/ }).waitFor();
  await page.check();
});
