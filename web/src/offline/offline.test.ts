import { describe, expect, it } from 'vitest';
import { Kept, type Shelf } from './kept';
import { filesOf } from './shell';

function shelfOf(most = Infinity): Shelf {
  const all = new Map<string, string>();
  return {
    get length() {
      return all.size;
    },
    key: (index) => [...all.keys()][index] ?? null,
    getItem: (key) => all.get(key) ?? null,
    setItem(key, value) {
      if ([...all.values()].join('').length + value.length > most) throw new Error('full');
      all.set(key, value);
    },
    removeItem: (key) => void all.delete(key),
  };
}
const conversation = (n: number): string => `/api/conversations/conv_${n}`;

describe('filesOf', () => {
  it('finds what a page and its styles name, and nothing of other hosts', () => {
    const page = '<script type="module" src="/assets/a-1.js"></script><link href="/assets/b.css"><link href="/assets/b.css"><img src="https://x/assets/c.js">';
    expect(filesOf(page, '@font-face{src:url(/assets/f.woff2)}p{background:url(https://x/assets/g.woff2)}')).toEqual(['/assets/a-1.js', '/assets/b.css', '/assets/f.woff2']);
  });
});

describe('Kept', () => {
  it('has what was read, and only what is read again', () => {
    const kept = new Kept(shelfOf());
    for (const path of ['/api/session', '/api/conversations?limit=60', conversation(1), '/api/files/file_1']) {
      kept.put(path, { path });
      expect(kept.get(path)).toEqual({ path });
    }
    for (const path of ['/api/keys', '/api/export', '/api/files/file_1/content', '/api/search?q=x']) {
      kept.put(path, { path });
      expect(kept.get(path)).toBeUndefined();
    }
    kept.clear();
    expect(kept.get('/api/session')).toBeUndefined();
  });
  it('lets the oldest conversations go, and nothing else', () => {
    const kept = new Kept(shelfOf());
    kept.put('/api/session', 1);
    for (let i = 0; i < 9; ++i) kept.put(conversation(i), i);
    expect([2, 3, 8].map((i) => kept.get(conversation(i)))).toEqual([undefined, 3, 8]);
    expect(kept.get('/api/session')).toBe(1);
  });
  it('goes on when there is no room, and without a shelf', () => {
    const kept = new Kept(shelfOf(100));
    kept.put(conversation(1), 'x'.repeat(40));
    kept.put(conversation(2), 'y'.repeat(40));
    expect([1, 2].map((i) => kept.get(conversation(i)))).toEqual([undefined, 'y'.repeat(40)]);
    kept.put('/api/settings', 'z'.repeat(200));
    expect(kept.get('/api/settings')).toBeUndefined();
    new Kept(null).put('/api/session', 1);
    expect(new Kept(null).get('/api/session')).toBeUndefined();
  });
});
