import { describe, expect, it, vi } from 'vitest';

vi.stubGlobal('localStorage', { getItem: () => null });
const { optionsOf } = await import('./models.svelte');
const { defaults } = await import('./settings.svelte');

describe('optionsOf', () => {
  it('names the first model by mode and others by themselves', () => {
    expect(optionsOf(defaults, 'instant', 'nano', true)).toEqual({ model: 'melete-instant' });
    expect(optionsOf(defaults, 'thinking', 'nano', true)).toEqual({ model: 'melete-thinking', reasoning_effort: 'medium' });
    expect(optionsOf(defaults, 'contemplating', 'nano', true)).toMatchObject({ model: 'melete-contemplating', melete: { agents: 8 } });
    expect(optionsOf(defaults, 'instant', 'other', false)).toEqual({ model: 'other', reasoning_effort: 'none' });
    expect(optionsOf(defaults, 'contemplating', 'other', false)).toMatchObject({ model: 'other', reasoning_effort: 'max' });
  });
  it('says only what was chosen', () => {
    const options = optionsOf({ ...defaults, temperature: 0, seed: 5, system: ' ' }, 'instant', 'nano', true);
    expect(options).toEqual({ model: 'melete-instant', temperature: 0, seed: 5 });
  });
});
