import { describe, expect, it, vi } from 'vitest';

vi.mock('uplot', () => ({ default: class {} }));
vi.mock('uplot/dist/uPlot.min.css', () => ({}));
const { chartDataOf } = await import('./chart');

describe('chartDataOf', () => {
  it('names rows by the first column of words', () => {
    expect(chartDataOf([['item', 'price'], ['milk', '3'], ['corn', '7']])).toEqual({ labels: ['milk', 'corn'], x: [1, 2], series: [{ name: 'price', values: [3, 7] }] });
  });
  it('draws over a first column that rises', () => {
    expect(chartDataOf([['t', 'v'], ['0', '5'], ['2', '4']])).toEqual({ labels: null, x: [0, 2], series: [{ name: 'v', values: [5, 4] }] });
    expect(chartDataOf([['a', 'v'], ['2', '5'], ['1', '4']])?.series.length).toBe(2);
  });
  it('has nothing to draw without numbers', () => {
    expect(chartDataOf([['a'], ['x']])).toBeNull();
    expect(chartDataOf([['a']])).toBeNull();
  });
});
