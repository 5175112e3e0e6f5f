import { describe, expect, it } from 'vitest';
import { marksJson, marksSvg } from './export_marks';
import type { Mark } from './run';

const marks: Mark[] = [
  { kind: 'point', label: '<script>"x"', on: '', at: [500, 250], end: 0, channel: 'reasoning' },
  { kind: 'box', label: 'cup', on: 'picture 2', at: [100, 200, 300, 400], end: 0, channel: 'reasoning' },
];

describe('marks as files', () => {
  it('places them on the picture’s shape and escapes labels', () => {
    const svg = marksSvg(marks, 0.5, 'data:image/png;base64,AA', false);
    expect(svg).toContain('viewBox="0 0 1000 500"');
    expect(svg).toContain('<circle cx="500" cy="125" r="52"');
    expect(svg).toContain('<rect x="100" y="100" width="200" height="100"');
    expect(svg).not.toContain('<script');
    const second = marksSvg([null, marks[1]!], 0.5, '', false);
    expect(second).toContain('>2</text>');
    expect(second).not.toContain('<circle cx="500" cy="125" r="52"');
  });
  it('draws a clip’s ends as a way', () => {
    expect(marksSvg([marks[1]!], 1, '', true)).toContain('<line x1="100" y1="200" x2="300" y2="400"');
  });
  it('gives places as JSON', () => {
    expect(JSON.parse(marksJson(marks)).marks[1]).toEqual({ kind: 'box', label: 'cup', on: 'picture 2', x_min: 100, y_min: 200, x_max: 300, y_max: 400 });
  });
});
