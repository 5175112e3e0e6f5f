// Rows of CSV, TSV and simple JSON tables.

// RFC 4180; the separator is the one of comma, semicolon and tab that the first line has most of.
export function parseDelimited(text: string): string[][] {
  const first = text.split('\n', 1)[0] ?? '';
  const separator = [',', ';', '\t'].reduce((a, b) => (first.split(b).length > first.split(a).length ? b : a));
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let quoted = false;
  const endRow = (): void => {
    row.push(cell);
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
    cell = '';
  };
  for (let i = 0; i < text.length; ++i) {
    const c = text[i] as string;
    if (quoted) {
      if (c === '"' && text[i + 1] === '"') cell += text[++i];
      else if (c === '"') quoted = false;
      else cell += c;
    } else if (c === '"' && cell === '') {
      quoted = true;
    } else if (c === separator) {
      row.push(cell);
      cell = '';
    } else if (c === '\n') {
      endRow();
    } else if (c !== '\r') {
      cell += c;
    }
  }
  if (cell !== '' || row.length) endRow();
  return rows;
}

const shown = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

// A list of objects, or one object as pairs. Null: anything else.
export function parseJsonTable(text: string): string[][] | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (Array.isArray(value) && value.length && value.every((each) => typeof each === 'object' && each !== null && !Array.isArray(each))) {
    const items = value as Record<string, unknown>[];
    const names = [...new Set(items.flatMap((each) => Object.keys(each)))];
    return [names, ...items.map((each) => names.map((name) => (name in each ? shown(each[name]) : '')))];
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return [['name', 'value'], ...Object.entries(value).map(([name, each]) => [name, shown(each)])];
  return null;
}

export function parseTable(name: string, text: string): string[][] | null {
  return /\.json$/i.test(name) ? parseJsonTable(text) : parseDelimited(text);
}

// Columns in which every cell is a number, by index.
export function numberColumns(rows: string[][]): number[] {
  const [head = [], ...body] = rows;
  return head.flatMap((_, i) => (body.length && body.every((row) => row[i]?.trim() && Number.isFinite(Number(row[i]))) ? [i] : []));
}
