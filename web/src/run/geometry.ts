// Where marks are drawn: on a surface 1000 wide and as high as the picture's shape says.
import type { Mark } from './run';

export interface Drawn {
  index: number;
  label: string;
  kind: 'box' | 'point' | 'track';
  x: number;
  y: number;
  x2: number;
  y2: number;
}

// In a clip, a mark with two ends is the way of what it names; a box that is no wider than a line is one as well.
function drawn(mark: Mark, index: number, ratio: number, isClip: boolean): Drawn {
  const [x = 0, y = 0, x2 = x, y2 = y] = mark.at;
  const isTrack = mark.kind === 'box' && (isClip || x2 <= x || y2 <= y);
  const kind = mark.kind === 'point' ? 'point' : isTrack ? 'track' : 'box';
  return { index, label: mark.label, kind, x, y: y * ratio, x2, y2: y2 * ratio };
}

// On one of several pictures: null is a mark of another one, so that the others keep their numbers.
export const drawnHere = (marks: (Mark | null)[], ratio: number, isClip: boolean): Drawn[] =>
  marks.flatMap((mark, i) => (mark ? drawn(mark, i, ratio, isClip) : []));

// Height over width of a picture that has just been loaded.
export function ratioOf(event: Event): number {
  const { naturalWidth, naturalHeight } = event.currentTarget as HTMLImageElement;
  return naturalHeight / naturalWidth || 1;
}
