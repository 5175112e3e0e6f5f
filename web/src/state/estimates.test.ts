import { describe, expect, it, vi } from 'vitest';
import type { Details } from '../api/types';

vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => {} });
const { Estimates, estimates, estimatesText, learnSpeed, noteTaken } = await import('./estimates.svelte');

const took = (tokens: number, seconds: number, answer = 1): Details => ({
  mode: '', finish: '', seed: 0, marks: [],
  tokens: { prompt: 9, reasoning: tokens - answer, answer, forced: 0 },
  timings: { prefill_s: 0, first_token_s: 0, total_s: seconds },
});
const how = { agents: 8, effort: 'medium' } as const;

describe('Estimates', () => {
  it('knows nothing at first, and nothing of what is broken', () => {
    expect(new Estimates(null).of('thinking', how)).toBeNull();
    expect(new Estimates('{').of('thinking', how)).toBeNull();
  });
  it('takes the middle of the last ones', () => {
    const all = new Estimates(null);
    for (const [tokens, seconds] of [[10, 1], [1000, 9], [20, 2]] as const) all.add('thinking', took(tokens, seconds), 1);
    expect(all.of('thinking', how)).toEqual({ tokens: 20, seconds: 2, guessed: false });
    for (let i = 0; i < 20; ++i) all.add('thinking', took(5, 0.5), 1);
    expect(all.of('thinking', how)).toEqual({ tokens: 5, seconds: 0.5, guessed: false });
  });
  it('counts contemplating by the agent', () => {
    const all = new Estimates(null);
    const kept = all.add('contemplating', took(80, 4), 8);
    expect(new Estimates(kept).of('contemplating', { ...how, agents: 16 })).toEqual({ tokens: 160, seconds: 8, guessed: false });
  });
  it('reads what was kept before answers were counted', () => {
    expect(new Estimates('{"instant":[{"tokens":4,"seconds":1}]}').of('thinking', how)).toEqual({ tokens: 196, seconds: 49, guessed: true });
  });
  it('guesses a mode from others: by the budget, by what an agent took, by the answer', () => {
    const all = new Estimates(null);
    all.add('instant', took(10, 0.1, 10), 1);
    expect(all.of('thinking', { ...how, effort: 'high' })).toEqual({ tokens: 394, seconds: 3.94, guessed: true });
    all.add('thinking', took(60, 0.5, 10), 1);
    expect(all.of('contemplating', how)).toEqual({ tokens: 480, seconds: 4, guessed: true });
    const reasoned = new Estimates(null);
    reasoned.add('thinking', took(60, 0.5, 12), 1);
    expect(reasoned.of('instant', how)).toEqual({ tokens: 12, seconds: 0.1, guessed: true });
  });
  it('guesses from the server’s speed where nothing was answered', () => {
    const all = new Estimates(null);
    all.serverSpeed = 106;
    expect(all.of('thinking', how)).toEqual({ tokens: 212, seconds: 2, guessed: true });
  });
});

it('the server’s speed is asked for once, before the first answer', async () => {
  const asked = vi.fn(async () => new Response('melete_engine_decoded_tokens_total{model="a"} 5000\nmelete_engine_step_seconds_p50{model="a"} 0.008\n'));
  vi.stubGlobal('fetch', asked);
  await learnSpeed();
  expect(estimates.serverSpeed).toBe(125);
  noteTaken('instant', took(3, 0.02, 3), 1);
  await learnSpeed();
  expect(asked).toHaveBeenCalledTimes(1);
});

describe('estimatesText', () => {
  it('tells of the chosen mode first, then of the others, and what is a guess', () => {
    expect(estimatesText('thinking', how)).toBe('Thinking: about 1.3 s and 195 tokens, a guess · Instant 20 ms · Contemplating 10 s, a guess');
    noteTaken('thinking', took(40, 0.2), 1);
    noteTaken('contemplating', took(80, 1.2), 4);
    expect(estimatesText('thinking', how)).toBe('Thinking: about 200 ms and 40 tokens, as lately · Instant 20 ms · Contemplating 2.4 s');
  });
});
