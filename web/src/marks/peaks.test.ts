import { expect, it } from 'vitest';
import { peaksIn } from './peaks';

it('shows where a sound is loud', () => {
  const samples = new Float32Array(100);
  samples[10] = -0.5;
  samples[99] = 0.25;
  expect(peaksIn(samples, 4)).toEqual([1, 0, 0, 0.5]);
  expect(peaksIn(new Float32Array(7), 3)).toEqual([0, 0, 0]);
});
