import { describe, expect, it } from 'vitest';
import { kFrame_ms, loudness, VoiceDetector, type VoiceEvent } from './vad';

// Events with the time, in ms, at which they came; pieces are [loudness, ms].
function heard(pieces: [number, number][], strict = false): [VoiceEvent, number][] {
  const detector = new VoiceDetector();
  const events: [VoiceEvent, number][] = [];
  let now = 0;
  for (const [level, ms] of pieces)
    for (let t = 0; t < ms; t += kFrame_ms) {
      now += kFrame_ms;
      // Loudness is never quite steady.
      const event = detector.put(level * (1 + 0.2 * Math.sin(now)), strict);
      if (event) events.push([event, now]);
    }
  return events;
}

describe('VoiceDetector', () => {
  it('hears a voice begin within 60 ms and end after a pause', () => {
    const [begins, ends, ...more] = heard([[0.002, 1000], [0.1, 900], [0.002, 1500]]);
    expect(begins?.[0]).toBe('begins');
    expect(begins?.[1]).toBeGreaterThan(1000);
    expect(begins?.[1]).toBeLessThanOrEqual(1060);
    expect(ends).toEqual(['ends', 1900 + 700]);
    expect(more).toEqual([]);
  });
  it('takes a short pause for a part of what is said', () => {
    expect(heard([[0.002, 500], [0.1, 400], [0.002, 500], [0.1, 400], [0.002, 1000]]).length).toBe(2);
  });
  it('hears no voice in a click, in silence or in a steady noise', () => {
    expect(heard([[0, 2000], [0.5, 20], [0, 2000]])).toEqual([]);
    expect(heard([[0.004, 1000], [0.005, 3000]])).toEqual([]);
  });
  it('learns a noise, and hears a voice above it', () => {
    const events = heard([[0.004, 1000], [0.012, 5000], [0.012, 3000], [0.2, 800], [0.012, 2000]]);
    expect(events.filter(([event, at]) => event === 'begins' && at > 9000).length).toBe(1);
    expect(events.at(-1)?.[0]).toBe('ends');
  });
  it('wants more while something is played', () => {
    const pieces: [number, number][] = [[0.001, 500], [0.015, 600], [0.001, 1000]];
    expect(heard(pieces).length).toBe(2);
    expect(heard(pieces.map(([level, ms]) => [level * 0.6, ms]), true)).toEqual([]);
  });
  it('ends what never ends', () => {
    const words = Array.from({ length: 90 }, (): [number, number][] => [[0.3, 300], [0.001, 100]]).flat();
    const [begins, ends] = heard([[0.002, 300], ...words]);
    expect([begins?.[0], ends?.[0]]).toEqual(['begins', 'ends']);
    expect((ends?.[1] ?? 0) - (begins?.[1] ?? 0)).toBe(30_000);
  });
  it('takes for a noise what doesn’t change for long', () => {
    expect(heard([[0.002, 300], [0.3, 20_000]]).map(([event]) => event)).toEqual(['begins', 'ends']);
  });
});

it('loudness is the root of the mean square', () => {
  expect(loudness(new Float32Array([0.5, -0.5, 0.5, -0.5]))).toBeCloseTo(0.5);
  expect(loudness(new Float32Array())).toBe(0);
});
