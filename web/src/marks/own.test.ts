import { describe as group, expect, it } from 'vitest';
import { describe, drawnOut, isKept, marksOf, marksText, moved, numbered, parseMarks, placed, resized, typedOf, type OwnMark } from './own';

const box = (...at: number[]): OwnMark => ({ kind: 'box', label: '', at });

group('marks of one’s own', () => {
  it('are drawn from any corner and stay inside', () => {
    expect(drawnOut('box', [300, 400], [100, -50], 1000)).toEqual(box(100, 0, 300, 400));
    expect(drawnOut('box', [300, 400], [305, 700], 1000)).toBeNull();
    expect(drawnOut('point', [1, 1], [1200, 70.4], 1000)).toEqual({ kind: 'point', label: '', at: [1000, 70] });
    expect(drawnOut('span', [2.5], [0.254], 3)).toEqual({ kind: 'span', label: '', at: [0.25, 2.5] });
    expect(drawnOut('span', [2.5], [2.501], 3)).toBeNull();
  });
  it('are moved whole', () => {
    expect(moved(box(100, 100, 300, 200), 50, -150, 1000).at).toEqual([150, 0, 350, 100]);
    expect(moved(box(700, 100, 900, 200), 500, 0, 1000).at).toEqual([800, 100, 1000, 200]);
    expect(moved({ kind: 'span', label: '', at: [1, 2] }, -5, 9, 3).at).toEqual([0, 1]);
    expect(moved({ kind: 'point', label: '', at: [10, 10] }, -50, 5, 1000).at).toEqual([0, 15]);
  });
  it('never turn round', () => {
    expect(resized(box(100, 100, 300, 200), -500, 900, 1000).at).toEqual([100, 100, 112, 1000]);
    expect(resized({ kind: 'span', label: '', at: [1, 2] }, -5, 0, 4).at).toEqual([1, 1.02]);
    for (const kind of ['box', 'point', 'span'] as const) expect(placed(kind, 10).at.every((value) => value >= 0 && value <= 10)).toBe(true);
  });
  it('count files by kind', () => {
    expect(numbered(['picture', null, 'sound', 'picture', 'clip', 'sound'])).toEqual([1, 0, 1, 2, 1, 2]);
  });
  it('come out of the text as they went in', () => {
    const marks: OwnMark[] = [{ ...box(1, 2, 3, 4), label: 'a “cup”\n]' }, { kind: 'point', label: '', at: [5, 6] }];
    const text = marksText('picture', 2, marks);
    expect(text).toContain('"x_min":1,"y_min":2,"x_max":3,"y_max":4');
    expect(parseMarks(text)).toEqual({ kind: 'picture', number: 2, marks });
    const spans: OwnMark[] = [{ kind: 'span', label: 'bang', at: [0.5, 1.25] }];
    expect(parseMarks(marksText('sound', 1, spans))?.marks).toEqual(spans);
    const content = [{ type: 'file' as const, file_id: 'f' }, { type: 'text' as const, text }, { type: 'text' as const, text: 'What is it?' }];
    expect(typedOf(content)).toBe('What is it?');
    expect(marksOf(content).map((each) => each.number)).toEqual([2]);
    expect(content.map(isKept)).toEqual([true, true, false]);
  });
  it('are no marks in other words', () => {
    for (const text of ['Marks on picture 1: []', 'Marks on picture 0: []\n', 'Marks on picture 1: [{"x":1}]\n', 'Marks on picture 1: [1]\n', 'Marks on picture 1: [oh]\n', 'x Marks on picture 1: []\n'])
      expect(parseMarks(text)).toBeNull();
    expect(describe(box(100, 200, 300, 400))).toBe('10 %, 20 % to 30 %, 40 %');
  });
});
