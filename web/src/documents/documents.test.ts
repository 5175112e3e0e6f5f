import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { markdownHtml } from '../text/markdown';
import { documentKind, isDocumentText, isForeign } from './names';
import { citationOf, documentText, placesOf, rowsOf } from './places';
import { readDocument } from './read';
import { decoded, readXml } from './xml';
import { Archive } from './zip';

type Bytes = Uint8Array<ArrayBuffer>;
const copy = (buffer: Buffer): Bytes => new Uint8Array(buffer);

function zip(parts: Record<string, string | Buffer>, method: 0 | 8 = 8, flags = 0): Bytes {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [name, content] of Object.entries(parts)) {
    const raw = Buffer.from(content);
    const data = method === 8 ? deflateRawSync(raw) : raw;
    const local = Buffer.alloc(30 + name.length);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(method, 8);
    local.writeUInt16LE(name.length, 26);
    local.write(name, 30);
    const entry = Buffer.alloc(46 + name.length);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(flags, 8);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(data.length, 20);
    entry.writeUInt32LE(raw.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(at, 42);
    entry.write(name, 46);
    locals.push(local, data);
    directory.push(entry);
    at += local.length + data.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(directory.length, 10);
  end.writeUInt32LE(at, 16);
  return copy(Buffer.concat([...locals, ...directory, end]));
}

const paragraph = (text: string, style = ''): string => `<w:p><w:pPr>${style && `<w:pStyle w:val="${style}"/>`}</w:pPr><w:r><w:t xml:space="preserve">${text}</w:t></w:r></w:p>`;
const word = (body: string): Bytes => zip({ 'word/document.xml': `<?xml version="1.0"?><w:document xmlns:w="w"><w:body>${body}</w:body></w:document>` });
const workbook = {
  'xl/workbook.xml': '<workbook><sheets><sheet name="Prices" sheetId="1" r:id="rId7"/><sheet name="Old &amp; new" sheetId="2" r:id="rId8"/></sheets></workbook>',
  'xl/_rels/workbook.xml.rels': '<Relationships><Relationship Id="rId7" Target="worksheets/a.xml"/><Relationship Id="rId8" Target="/xl/worksheets/b.xml"/></Relationships>',
  'xl/sharedStrings.xml': '<sst><si><t>milk</t></si><si><r><t>app</t></r><r><t>les</t></r><rPh><t>X</t></rPh></si></sst>',
  'xl/styles.xml': '<styleSheet><numFmts><numFmt numFmtId="170" formatCode="yyyy\\-mm"/><numFmt numFmtId="171" formatCode="0.0 &quot;day&quot;"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="171"/></cellXfs></styleSheet>',
  'xl/worksheets/a.xml': '<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1"><v>0.1</v></c><c r="C1" s="1"><v>45000</v></c></row><row r="3"><c r="A3" t="s"><v>1</v></c><c r="B3"><f>1+2</f><v>3</v></c><c r="C3" s="2"><v>3</v></c><c r="D3" t="b"><v>1</v></c><c r="E3" t="inlineStr"><is><t>a\tb</t></is></c></row></sheetData></worksheet>',
  'xl/worksheets/b.xml': '<worksheet><sheetData><row><c r="B2" t="str"><v>late</v></c></row></sheetData></worksheet>',
};
const pdf = (pages: string[], more = ''): Bytes => {
  const objects = [`<</Type/Catalog/Pages 2 0 R${more}>>`, `<</Type/Pages/Kids[${pages.map((_, i) => `${4 + 2 * i} 0 R`).join(' ')}]/Count ${pages.length}>>`, '<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>'];
  for (const text of pages) {
    const stream = `BT /F1 12 Tf 20 200 Td (${text}) Tj ET`;
    objects.push(`<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents ${objects.length + 2} 0 R/Resources<</Font<</F1 3 0 R>>>>>>`, `<</Length ${stream.length}>>stream\n${stream}\nendstream\n`);
  }
  return copy(Buffer.from(`%PDF-1.4\n${objects.map((object, i) => `${i + 1} 0 obj${object}endobj\n`).join('')}trailer<</Root 1 0 R>>\n%%EOF`, 'latin1'));
};

describe('documents', () => {
  it('of Word become parts that begin at headings', async () => {
    const table = `<w:tbl><w:tr><w:tc>${paragraph('a')}</w:tc><w:tc>${paragraph('b')}${paragraph('c')}</w:tc></w:tr></w:tbl>`;
    const text = await readDocument('docx', 'r.docx', word(paragraph('Title', 'Title') + paragraph('One &lt;b&gt; &#233;') + paragraph('Second', 'Heading1') + table + '<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:r><w:t>x</w:t><w:tab/><w:t>y</w:t></w:r></w:p>'));
    expect(text.split('\n')[0]).toBe('r.docx: 2 parts, cited like [part 1]');
    expect(placesOf(text)).toEqual([
      { name: 'part 1', text: 'Title\n\nOne <b> é' },
      { name: 'part 2', text: 'Second\n\na | b c\n\nx y' },
    ]);
  });
  it('of Excel name their cells, with dates and shared strings', async () => {
    for (const method of [0, 8] as const) {
      const text = await readDocument('xlsx', 'p.xlsx', zip(workbook, method));
      expect(text.split('\n')[0]).toBe('p.xlsx: 2 sheets, cells cited like [Prices!B2]');
      expect(placesOf(text)).toEqual([
        { name: 'sheet Prices', text: 'A1: milk\tB1: 0.1\tC1: 2023-03-15\nA3: apples\tB3: 3\tC3: 3\tD3: TRUE\tE3: a b' },
        { name: 'sheet Old & new', text: 'B2: late' },
      ]);
      expect(rowsOf(placesOf(text)[0]?.text ?? '')[0]?.[0]).toEqual({ name: 'A1', text: 'milk' });
    }
  });
  it('of PDF come by page', async () => {
    const text = await readDocument('pdf', 'a.pdf', pdf(['First page', '[page 9]', 'Third']));
    expect(placesOf(text).map((place) => [place.name, place.text])).toEqual([['page 1', 'First page'], ['page 2', '[page 9]'], ['page 3', 'Third']]);
  });
  it('say what is wrong with them', async () => {
    const wrong = async (kind: 'pdf' | 'docx' | 'xlsx', bytes: Bytes): Promise<string> => readDocument(kind, 'x', bytes).then(() => 'read', (error: Error) => error.message);
    const bomb = zip({ 'word/document.xml': Buffer.alloc(80 << 20) });
    expect(bomb.length).toBeLessThan(100_000);
    expect(await wrong('docx', bomb)).toMatch(/too large/);
    expect(await wrong('docx', zip({ 'word/document.xml': '<!DOCTYPE a [<!ENTITY b "c">]><w:p/>' }))).toMatch(/entities/);
    expect(await wrong('docx', zip({ 'a.txt': 'x' }))).toMatch(/no Word document/);
    expect(await wrong('docx', zip({ 'word/document.xml': '<w:p><w:t>' + 'x' }))).toMatch(/nothing in it|broken/);
    expect(await wrong('xlsx', zip({ 'a.txt': 'x' }))).toMatch(/no Excel workbook/);
    expect(await wrong('xlsx', zip(workbook, 8, 1))).toMatch(/password/);
    expect(await wrong('docx', copy(Buffer.from('d0cf11e0a1b11ae1'.repeat(20), 'hex')))).toMatch(/password/);
    expect(await wrong('docx', copy(Buffer.from('hello')))).toMatch(/isn’t whole/);
    expect(await wrong('pdf', copy(Buffer.from('hello')))).toMatch(/can’t be read as PDF/);
    expect(await wrong('pdf', pdf(['']))).toMatch(/no text/);
    const whole = zip(workbook);
    for (let cut = 1; cut < whole.length; cut += 97) expect(await wrong('xlsx', whole.slice(0, whole.length - cut) as Bytes)).not.toBe('read');
    for (let i = 0; i < whole.length; i += 13) {
      const broken = whole.slice() as Bytes;
      broken[i] = (broken[i] as number) ^ 0xff;
      expect(typeof (await wrong('xlsx', broken))).toBe('string');
    }
  });
  it('are known by their names', () => {
    expect([documentKind('a.PDF'), documentKind('b.docm'), documentKind('c.xlsx'), documentKind('d.txt')]).toEqual(['pdf', 'docx', 'xlsx', null]);
    expect([isForeign('a.doc'), isForeign('a.odt'), isForeign('a.docx'), isForeign('a.png')]).toEqual([true, true, false, false]);
    expect(isDocumentText('a.pdf.txt') && !isDocumentText('a.txt')).toBe(true);
  });
});

describe('places', () => {
  it('can’t be made by what a document says', () => {
    const text = documentText('x\n[page 7]', 'y', [{ name: 'page 1', text: 'a\n[page 2]\n[sheet Z]\nb' }]);
    expect(placesOf(text)).toEqual([{ name: 'page 1', text: 'a\n [page 2]\n [sheet Z]\nb' }]);
  });
  it('are cited in answers', () => {
    const cites = (text: string): string[] => [...markdownHtml(text).matchAll(/<span class="cite">(.*?)<\/span>/g)].map((found) => found[1] as string);
    expect(cites('So [page 3] and [Prices!B2], [part 12]; [\'Old & new\'!AA10:AB12].')).toEqual(['[page 3]', '[Prices!B2]', '[part 12]', '[&#39;Old &amp; new&#39;!AA10:AB12]']);
    for (const text of ['[page three]', '[page 3](https://a.example)', '`[page 3]`', '[x!y]', '[page 3]: https://a.example', '[!B2]']) expect(cites(text), text).toEqual([]);
    expect(citationOf('page 3')).toEqual({ place: 'page 3', cell: '' });
    expect(citationOf("'Old & new'!AA10:AB12")).toEqual({ place: 'sheet Old & new', cell: 'AA10' });
  });
});

describe('XML', () => {
  it('gives tags, attributes and decoded text', () => {
    const seen: string[] = [];
    readXml('<?x?><a:b c="1 &gt;" r:id=\'q\' id="no"><!-- <x> --><d/>t &amp;<![CDATA[<e>]]></a:b>', {
      open: (name, attribute) => seen.push(`${name} ${attribute('c')} ${attribute('r:id')}`),
      close: (name) => seen.push(`/${name}`),
      text: (text) => seen.push(text),
    });
    expect(seen).toEqual(['b 1 > q', 'd undefined undefined', '/d', 't &', '<e>', '/b']);
    expect(decoded('&#x1F642;&#9999999;&bad;')).toBe('🙂\ufffd&bad;');
  });
  it('is only read from archives that hold it', async () => {
    await expect(new Archive(zip({ a: 'x' })).text('b')).rejects.toThrow(/no part b/);
  });
});
