// Marks that a person makes on a file of a question: boxes and points on a picture in thousandths of its width and
// height, spans of a sound or clip in seconds. They go with the question as text, places as Muse models write them.
import type { Content, Part } from '../api/types';
import { partsOf } from '../api/types';
import type { Mark } from '../run/run';

export type OwnKind = 'box' | 'point' | 'span';
export type Marked = 'picture' | 'sound' | 'clip';

export interface OwnMark {
  kind: OwnKind;
  label: string; // what is said about it
  at: number[]; // box: x, y, x2, y2; point: x, y; span: begin, end
}

const kLeast = 12; // thousandths: a smaller box is a slip of the hand
const clamp = (value: number, most: number): number => Math.min(most, Math.max(0, value));
const round = (mark: OwnMark): OwnMark => {
  const digits = mark.kind === 'span' ? 100 : 1;
  return { ...mark, at: mark.at.map((value) => Math.round(value * digits) / digits) };
};

// Between two places, in any order. `most`: 1000, or the seconds of the file.
export function drawnOut(kind: OwnKind, from: number[], to: number[], most: number): OwnMark | null {
  const [x = 0, y = 0] = from.map((value) => clamp(value, most));
  const [x2 = 0, y2 = 0] = to.map((value) => clamp(value, most));
  if (kind === 'point') return round({ kind, label: '', at: [x2, y2] });
  if (kind === 'span') return Math.abs(x2 - x) < most / 200 ? null : round({ kind, label: '', at: [Math.min(x, x2), Math.max(x, x2)] });
  if (Math.abs(x2 - x) < kLeast || Math.abs(y2 - y) < kLeast) return null;
  return round({ kind, label: '', at: [Math.min(x, x2), Math.min(y, y2), Math.max(x, x2), Math.max(y, y2)] });
}

// As far as it stays whole inside.
export function moved(mark: OwnMark, dx: number, dy: number, most: number): OwnMark {
  const places = mark.kind === 'span' ? 1 : 2;
  const steps = mark.kind === 'span' ? [dx] : [dx, dy];
  const at = [...mark.at];
  steps.forEach((step, axis) => {
    const mine = at.filter((_, i) => i % places === axis);
    const allowed = clamp(Math.max(...mine) + step, most) - Math.max(...mine);
    const whole = Math.max(allowed, -Math.min(...mine));
    for (let i = axis; i < at.length; i += places) at[i] = (at[i] as number) + whole;
  });
  return round({ ...mark, at });
}

// Its far corner, or a span's end, by so much; it never turns round.
export function resized(mark: OwnMark, dx: number, dy: number, most: number): OwnMark {
  if (mark.kind === 'point') return moved(mark, dx, dy, most);
  const [a = 0, b = 0, c = 0, d = 0] = mark.at;
  if (mark.kind === 'span') return round({ ...mark, at: [a, Math.max(a + most / 200, clamp(b + dx, most))] });
  return round({ ...mark, at: [a, b, Math.max(a + kLeast, clamp(c + dx, most)), Math.max(b + kLeast, clamp(d + dy, most))] });
}

export const replaced = (marks: OwnMark[], index: number, mark: OwnMark): OwnMark[] => marks.map((each, i) => (i === index ? mark : each));

// In the middle, for who draws without a pointer.
export function placed(kind: OwnKind, most: number): OwnMark {
  const [low, high] = [0.4 * most, 0.6 * most];
  return round({ kind, label: '', at: kind === 'box' ? [low, low, high, high] : kind === 'point' ? [most / 2, most / 2] : [low, high] });
}

function wire(mark: OwnMark): Record<string, unknown> {
  const [a, b, c, d] = mark.at;
  const label = mark.label.trim() ? { label: mark.label.trim() } : {};
  if (mark.kind === 'span') return { ...label, start_s: a, end_s: b };
  return mark.kind === 'box' ? { ...label, x_min: a, y_min: b, x_max: c, y_max: d } : { ...label, x: a, y: b };
}

// Which picture, sound or clip each file is, from 1; 0: nothing can be marked on it.
export function numbered(kinds: (Marked | null)[]): number[] {
  const counts: Partial<Record<Marked, number>> = {};
  return kinds.map((kind) => (kind ? (counts[kind] = (counts[kind] ?? 0) + 1) : 0));
}

// As the texts of marks call a file.
export const nameOf = (kind: Marked, number: number): string => `${kind} ${number}`;

// What the model reads. `number`: which file of that kind it is, from 1.
export const marksText = (kind: Marked, number: number, marks: OwnMark[]): string =>
  `Marks on ${nameOf(kind, number)}: ${JSON.stringify(marks.map(wire))}\n`;

export interface MarkedFile {
  kind: Marked;
  number: number;
  marks: OwnMark[];
}

const isNumbers = (values: unknown[]): values is number[] => values.every((value) => typeof value === 'number' && Number.isFinite(value));

function fromWire(json: unknown): OwnMark | null {
  if (typeof json !== 'object' || json === null) return null;
  const { label, x, y, x_min, y_min, x_max, y_max, start_s, end_s } = json as Record<string, unknown>;
  const text = typeof label === 'string' ? label : '';
  for (const [kind, at] of [['box', [x_min, y_min, x_max, y_max]], ['point', [x, y]], ['span', [start_s, end_s]]] as [OwnKind, unknown[]][])
    if (isNumbers(at)) return { kind, label: text, at };
  return null;
}

// Null: it is a text like any other.
export function parseMarks(text: string): MarkedFile | null {
  const found = /^Marks on (picture|sound|clip) ([1-9]\d{0,2}): (\[.*\])\n$/.exec(text);
  if (!found) return null;
  try {
    const list = (JSON.parse(found[3] as string) as unknown[]).map(fromWire);
    return list.includes(null) ? null : { kind: found[1] as Marked, number: Number(found[2]), marks: list as OwnMark[] };
  } catch {
    return null;
  }
}

const isMarks = (part: Part): boolean => part.type === 'text' && parseMarks(part.text) !== null;

// What a person typed, without the marks; and the marks.
export const typedOf = (content: Content): string =>
  partsOf(content)
    .flatMap((part) => (part.type === 'text' && !isMarks(part) ? [part.text] : []))
    .join('\n\n');
export const marksOf = (content: Content): MarkedFile[] =>
  partsOf(content).flatMap((part) => (part.type === 'text' ? (parseMarks(part.text) ?? []) : []));
// What stays when the words are changed.
export const isKept = (part: Part): boolean => part.type === 'file' || isMarks(part);

// As the marks of a model are drawn.
export const asMark = (mark: OwnMark): Mark => ({ kind: mark.kind === 'box' ? 'box' : 'point', label: mark.label, on: '', at: mark.at, end: 0, channel: '' });

export function describe(mark: OwnMark): string {
  const [a = 0, b = 0, c = 0, d = 0] = mark.at;
  const of = (value: number): string => `${Math.round(value / 10)} %`;
  if (mark.kind === 'span') return `${a.toFixed(2)} to ${b.toFixed(2)} s`;
  return mark.kind === 'point' ? `at ${of(a)}, ${of(b)}` : `${of(a)}, ${of(b)} to ${of(c)}, ${of(d)}`;
}
