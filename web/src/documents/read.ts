// A document to text with named places. Throws DocumentError: what is wrong with it, for people.
import type { DocumentKind } from './names';
import { readPdf } from './pdf';
import { documentText, type Place } from './places';
import { readSheets } from './sheets';
import { readWord } from './word';
import { Archive, DocumentError } from './zip';

const kMostCharacters = 2_000_000;

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

function aboutOf(kind: DocumentKind, places: Place[]): string {
  if (kind === 'pdf') return `${plural(places.length, 'page')}, cited like [page 1]`;
  if (kind === 'docx') return `${plural(places.length, 'part')}, cited like [part 1]`;
  const name = (places[0] as Place).name.slice(6);
  return `${plural(places.length, 'sheet')}, cells cited like [${/[\s!|]/.test(name) ? `'${name.replaceAll("'", ' ')}'` : name}!B2]`;
}

export async function readDocument(kind: DocumentKind, name: string, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const places = kind === 'pdf' ? await readPdf(bytes) : kind === 'docx' ? await readWord(new Archive(bytes)) : await readSheets(new Archive(bytes));
  if (!places.some((place) => place.text.trim()))
    throw new DocumentError(kind === 'pdf' ? 'There is no text in it: it holds pictures of pages, perhaps. Send those as pictures.' : 'There is nothing in it.');
  const text = documentText(name, aboutOf(kind, places), places);
  if (text.length > kMostCharacters) throw new DocumentError(`Its text has ${text.length.toLocaleString('en')} characters; ${kMostCharacters.toLocaleString('en')} are the most.`);
  return text;
}
