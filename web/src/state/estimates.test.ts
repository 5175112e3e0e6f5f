import { describe, expect, it, vi } from 'vitest';
import type { Details } from '../api/types';

vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => {} });
const { Estimates, estimatesText, noteTaken } = await import('./estimates.svelte');

const took = (tokens: number, seconds: number): Details => ({
  mode: '', finish: '', seed: 0, marks: [],
  tokens: { prompt: 9, reasoning: tokens - 1, answer: 1, forced: 0 },
  timings: { prefill_s: 0, first_token_s: 0, total_s: seconds },
});

describe('Estimates', () => {
  it('knows nothing at first, and nothing of what is broken', () => {
    expect(new Estimates(null).of('thinking', 8)).toBeNull();
    expect(new Estimates('{').of('thinking', 8)).toBeNull();
  });
  it('takes the middle of the last ones', () => {
    const all = new Estimates(null);
    for (const [tokens, seconds] of [[10, 1], [1000, 9], [20, 2]] as const) all.add('thinking', took(tokens, seconds), 1);
    expect(all.of('thinking', 8)).toEqual({ tokens: 20, seconds: 2 });
    for (let i = 0; i < 20; ++i) all.add('thinking', took(5, 0.5), 1);
    expect(all.of('thinking', 8)).toEqual({ tokens: 5, seconds: 0.5 });
  });
  it('counts contemplating by the agent', () => {
    const all = new Estimates(null);
    const kept = all.add('contemplating', took(80, 4), 8);
    expect(new Estimates(kept).of('contemplating', 16)).toEqual({ tokens: 160, seconds: 8 });
  });
});

describe('estimatesText', () => {
  it('tells of the chosen mode first, then of the others', () => {
    expect(estimatesText('thinking', 8)).toBe('');
    noteTaken('instant', took(3, 0.02), 1);
    expect(estimatesText('thinking', 8)).toBe('Instant 20 ms');
    noteTaken('thinking', took(40, 0.2), 1);
    noteTaken('contemplating', took(80, 1.2), 4);
    expect(estimatesText('thinking', 8)).toBe('Thinking: about 200 ms and 40 tokens, as lately · Instant 20 ms · Contemplating 2.4 s');
  });
});
