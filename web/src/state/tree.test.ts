import { describe, expect, it } from 'vitest';
import type { Message } from '../api/types';
import { newestLeaf, pathTo, siblings, titleFor } from './tree';

const message = (id: string, parent: string | null, role: 'user' | 'assistant'): Message => ({ id, parent, role, content: '', meta: {}, files: [], created_ms: 0 });
const all = [message('a', null, 'user'), message('b', 'a', 'assistant'), message('c', 'a', 'assistant'), message('d', 'b', 'user'), message('e', null, 'user')];
const messages = new Map(all.map((each) => [each.id, each]));

describe('tree', () => {
  it('finds the way from the root', () => {
    expect(pathTo(messages, 'd').map((each) => each.id)).toEqual(['a', 'b', 'd']);
    expect(pathTo(messages, null)).toEqual([]);
  });
  it('finds what was said in the same place', () => {
    expect(siblings(messages, all[1]!).map((each) => each.id)).toEqual(['b', 'c']);
    expect(siblings(messages, all[0]!).map((each) => each.id)).toEqual(['a', 'e']);
  });
  it('goes down to the newest', () => {
    expect(newestLeaf(messages, 'a')).toBe('c');
    expect(newestLeaf(messages, 'b')).toBe('d');
  });
  it('makes titles', () => {
    expect(titleFor('  one\ntwo')).toBe('one');
    expect(titleFor('', 'shapes.png')).toBe('shapes.png');
    const long = titleFor('word '.repeat(40));
    expect(long.length).toBeLessThanOrEqual(61);
    expect(long.endsWith('word…')).toBe(true);
  });
});
