// A document as text: places that can be cited, each begun by a line of its own, `[page 2]`. What writes and what reads it.
export interface Place {
  name: string; // "page 2", "part 3", "sheet Prices"
  text: string;
}

export interface Citation {
  place: string; // a place's name
  cell: string; // the first of a sheet, "B2"; empty: none
}

const mark = /^\[(page \d{1,5}|part \d{1,5}|sheet [^[\]\n]{1,60})\]$/;

// A line of the document itself never looks like the beginning of a place.
const plain = (text: string): string =>
  text
    .split('\n')
    .map((line) => (mark.test(line) ? ` ${line}` : line))
    .join('\n');

export function documentText(name: string, about: string, places: Place[]): string {
  return `${name.replace(/[\n\r]/g, ' ')}: ${about}\n\n${places.map((place) => `[${place.name}]\n${plain(place.text.trim())}\n`).join('\n')}`;
}

export function placesOf(text: string): Place[] {
  const places: Place[] = [];
  for (const line of text.split('\n')) {
    const found = mark.exec(line);
    if (found) places.push({ name: found[1] as string, text: '' });
    else if (places.length) (places.at(-1) as Place).text += `${line}\n`;
  }
  for (const place of places) place.text = place.text.trim();
  return places;
}

// What an answer puts into brackets: "page 3", "part 2", "Prices!B2", "'Old prices'!B2:C4".
export const citationPattern = /^\[((?:page|part) \d{1,5}|(?:'[^'[\]\n]{1,60}'|[^\s'[\]!|][^'[\]!\n|]{0,58})![A-Z]{1,3}\d{1,7}(?::[A-Z]{1,3}\d{1,7})?)\](?![([:])/;

export function citationOf(text: string): Citation {
  const bang = text.lastIndexOf('!');
  if (bang < 0) return { place: text, cell: '' };
  return { place: `sheet ${text.slice(0, bang).replace(/^'(.*)'$/, '$1')}`, cell: text.slice(bang + 1).split(':')[0] ?? '' };
}

export interface Cell {
  name: string; // "B2"
  text: string;
}

// Rows of a sheet: "A2: cheese\tB2: 15".
export const rowsOf = (place: string): Cell[][] =>
  place.split('\n').map((line) =>
    line.split('\t').map((cell) => {
      const found = /^([A-Z]{1,3}\d{1,7}): ?(.*)$/.exec(cell);
      return { name: found?.[1] ?? '', text: found?.[2] ?? cell };
    }),
  );
