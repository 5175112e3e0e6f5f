// Reasoning as the pieces that its marks divide it into.
import type { Mark } from './run';

export interface Piece {
  text: string;
  mark: number; // of the marks; -1: plain text
}

// The labels before marks become pieces of their own; a mark whose label isn't there is an empty piece.
export function piecesOf(text: string, marks: Mark[]): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  marks.forEach((mark, i) => {
    const end = Math.min(Math.max(mark.end, at), text.length);
    const start = end - mark.label.length;
    const fits = start >= at && text.slice(start, end) === mark.label;
    const from = fits ? start : end;
    if (from > at) pieces.push({ text: text.slice(at, from), mark: -1 });
    pieces.push({ text: text.slice(from, end), mark: i });
    at = end;
  });
  if (at < text.length) pieces.push({ text: text.slice(at), mark: -1 });
  return pieces;
}

export const timeText = (seconds: number): string => (seconds < 0.95 ? `${Math.max(0, Math.round(seconds * 1000))} ms` : `${seconds.toFixed(1)} s`);

export const callsText = (count: number): string => (count ? `${count} tool call${count === 1 ? '' : 's'}` : '');

export const markColour = (index: number): string => `var(--mark-${index % 8})`;
