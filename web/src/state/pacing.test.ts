import { expect, it } from 'vitest';
import { waitFor } from './pacing';

it('draws seldom what costs much, and never too seldom', () => {
  expect(waitFor(0)).toBe(40);
  expect(waitFor(1)).toBe(40);
  expect(waitFor(4)).toBeCloseTo(100);
  for (const cost of [2, 4, 8]) expect(cost / waitFor(cost)).toBeLessThan(0.045);
  for (const cost of [4, 8, 12]) expect(cost / waitFor(cost)).toBeLessThan(0.06);
  expect(waitFor(1000)).toBe(250);
});
