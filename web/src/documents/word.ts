// Word documents (ECMA-376, WordprocessingML): paragraphs and tables in order, in parts that begin at headings.
import type { Place } from './places';
import { readXml } from './xml';
import { Archive, DocumentError } from './zip';

const kPartCharacters = 3000; // without a heading, a part ends after so many

export async function readWord(archive: Archive): Promise<Place[]> {
  if (!archive.has('word/document.xml')) throw new DocumentError('It is no Word document.');
  const parts: string[][] = [[]];
  let length = 0;
  const put = (line: string, heading: boolean): void => {
    if (parts.at(-1)?.length && (heading || length > kPartCharacters)) {
      parts.push([]);
      length = 0;
    }
    parts.at(-1)?.push(line);
    length += line.length;
  };
  let paragraph = '';
  let heading = false;
  let cells: string[] | null = null; // of the row that is being read
  let depth = 0; // of tables
  let taken = false; // inside of what is text
  readXml(await archive.text('word/document.xml'), {
    open(name, attribute) {
      if (name === 'p') [paragraph, heading] = [depth ? paragraph : '', false];
      else if (name === 't') taken = true;
      else if (name === 'tab') paragraph += ' ';
      else if (name === 'br' || name === 'cr') paragraph += '\n';
      else if (name === 'pStyle') heading = /^(heading|title|überschrift|titre)/i.test(attribute('val') ?? '');
      else if (name === 'tbl') ++depth;
      else if (name === 'tr' && depth === 1) cells = [];
      else if (name === 'tc' && depth === 1) paragraph = '';
    },
    close(name) {
      if (name === 't') taken = false;
      else if (name === 'p' && depth) paragraph += ' ';
      else if (name === 'p') {
        if (paragraph.trim()) put(paragraph.trim(), heading);
      } else if (name === 'tc' && depth === 1) cells?.push(paragraph.replace(/\s+/g, ' ').trim());
      else if (name === 'tr' && depth === 1 && cells) {
        if (cells.some(Boolean)) put(cells.join(' | '), false);
        cells = null;
      } else if (name === 'tbl') depth = Math.max(0, depth - 1);
    },
    text(text) {
      if (taken) paragraph += text;
    },
  });
  return parts.filter((part) => part.length).map((part, i) => ({ name: `part ${i + 1}`, text: part.join('\n\n') }));
}
