// Excel workbooks (ECMA-376, SpreadsheetML): each sheet's cells with their names, values as they were last computed.
import type { Place } from './places';
import { readXml } from './xml';
import { Archive, DocumentError } from './zip';

const kMostCells = 100_000;
const kDays1900 = Date.UTC(1899, 11, 30);
const kDays1904 = Date.UTC(1904, 0, 1);

const ignore = { open() {}, close() {}, text() {} };

async function sharedStrings(archive: Archive): Promise<string[]> {
  const strings: string[] = [];
  if (!archive.has('xl/sharedStrings.xml')) return strings;
  let text = '';
  let taken = false;
  let phonetic = false;
  readXml(await archive.text('xl/sharedStrings.xml'), {
    open(name) {
      if (name === 'si') text = '';
      else if (name === 't') taken = !phonetic;
      else if (name === 'rPh') phonetic = true;
    },
    close(name) {
      if (name === 'si') strings.push(text);
      else if (name === 't') taken = false;
      else if (name === 'rPh') phonetic = false;
    },
    text(piece) {
      if (taken) text += piece;
    },
  });
  return strings;
}

// Which styles of cells show a number as a date.
async function dateStyles(archive: Archive): Promise<boolean[]> {
  const styles: boolean[] = [];
  if (!archive.has('xl/styles.xml')) return styles;
  const own = new Map<string, boolean>();
  let inside = false;
  readXml(await archive.text('xl/styles.xml'), {
    ...ignore,
    open(name, attribute) {
      if (name === 'numFmt') own.set(attribute('numFmtId') ?? '', /[dmyh]/i.test((attribute('formatCode') ?? '').replace(/"[^"]*"|\[[^\]]*\]|\\./g, '')));
      else if (name === 'cellXfs') inside = true;
      else if (name === 'xf' && inside) {
        const id = attribute('numFmtId') ?? '0';
        styles.push(own.get(id) ?? ((Number(id) >= 14 && Number(id) <= 22) || (Number(id) >= 45 && Number(id) <= 47)));
      }
    },
    close(name) {
      if (name === 'cellXfs') inside = false;
    },
  });
  return styles;
}

interface Book {
  sheets: { name: string; path: string }[];
  epoch: number;
}

async function bookOf(archive: Archive): Promise<Book> {
  if (!archive.has('xl/workbook.xml')) throw new DocumentError('It is no Excel workbook.');
  const targets = new Map<string, string>();
  if (archive.has('xl/_rels/workbook.xml.rels'))
    readXml(await archive.text('xl/_rels/workbook.xml.rels'), {
      ...ignore,
      open(name, attribute) {
        if (name === 'Relationship') targets.set(attribute('Id') ?? '', attribute('Target') ?? '');
      },
    });
  const book: Book = { sheets: [], epoch: kDays1900 };
  readXml(await archive.text('xl/workbook.xml'), {
    ...ignore,
    open(name, attribute) {
      if (name === 'workbookPr' && /^(1|true)$/.test(attribute('date1904') ?? '')) book.epoch = kDays1904;
      if (name !== 'sheet') return;
      const target = targets.get(attribute('r:id') ?? attribute('id') ?? '') ?? `worksheets/sheet${book.sheets.length + 1}.xml`;
      book.sheets.push({ name: attribute('name') ?? `Sheet${book.sheets.length + 1}`, path: target.startsWith('/') ? target.slice(1) : `xl/${target}` });
    },
  });
  return book;
}

function dateText(days: number, epoch: number): string {
  const time = new Date(epoch + Math.round(days * 86400) * 1000);
  if (!Number.isFinite(time.getTime())) return String(days);
  const text = time.toISOString().slice(0, 19).replace('T', ' ');
  if (days < 1) return text.slice(11);
  return Number.isInteger(days) ? text.slice(0, 10) : text.slice(0, 16);
}

interface Tables {
  strings: string[];
  isDate: boolean[];
  epoch: number;
}

function valueOf(type: string, style: number, raw: string, { strings, isDate, epoch }: Tables): string {
  if (type === 's') return strings[Number(raw)] ?? '';
  if (type === 'b') return raw === '1' ? 'TRUE' : 'FALSE';
  if (type === '' || type === 'n') {
    const number = Number(raw);
    if (raw && isDate[style] && Number.isFinite(number)) return dateText(number, epoch);
    return raw && Number.isFinite(number) ? String(+number.toPrecision(15)) : raw;
  }
  return raw;
}

function sheetText(xml: string, tables: Tables, room: { cells: number }): string {
  const rows: string[] = [];
  let row: string[] = [];
  let [name, type, style, value, taken] = ['', '', 0, '', false];
  readXml(xml, {
    open(tag, attribute) {
      if (tag === 'row') row = [];
      else if (tag === 'c') [name, type, style, value] = [attribute('r') ?? '', attribute('t') ?? '', Number(attribute('s') ?? 0), ''];
      else if (tag === 'v' || tag === 't') taken = true;
    },
    close(tag) {
      if (tag === 'v' || tag === 't') taken = false;
      else if (tag === 'c') {
        const text = valueOf(type, style, value, tables).replace(/\s+/g, ' ').trim();
        if (text && /^[A-Z]{1,3}\d{1,7}$/.test(name)) row.push(`${name}: ${text}`);
        if (text && --room.cells < 0) throw new DocumentError(`It has more than ${kMostCells.toLocaleString('en')} cells with something in them.`);
      } else if (tag === 'row' && row.length) rows.push(row.join('\t'));
    },
    text(piece) {
      if (taken) value += piece;
    },
  });
  return rows.join('\n');
}

export async function readSheets(archive: Archive): Promise<Place[]> {
  const { sheets, epoch } = await bookOf(archive);
  const tables = { strings: await sharedStrings(archive), isDate: await dateStyles(archive), epoch };
  const room = { cells: kMostCells };
  const places: Place[] = [];
  for (const sheet of sheets) {
    if (!archive.has(sheet.path)) continue;
    const text = sheetText(await archive.text(sheet.path), tables, room);
    if (text) places.push({ name: `sheet ${sheet.name.replace(/[[\]\n]/g, ' ').slice(0, 60)}`, text });
  }
  return places;
}
