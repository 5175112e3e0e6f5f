import { describe, expect, it } from 'vitest';
import { wavOf } from './record';

describe('wavOf', () => {
  it('writes a header that says what follows, and bounds the samples', async () => {
    const view = new DataView(await wavOf(new Float32Array([0, 1, -1, 2, 0.5]), 24000).arrayBuffer());
    const text = (at: number, size: number): string => String.fromCharCode(...new Uint8Array(view.buffer, at, size));
    expect([text(0, 4), text(8, 8), text(36, 4)]).toEqual(['RIFF', 'WAVEfmt ', 'data']);
    expect([view.getUint32(4, true), view.getUint32(24, true), view.getUint32(28, true), view.getUint32(40, true)]).toEqual([46, 24000, 48000, 10]);
    expect([44, 46, 48, 50, 52].map((at) => view.getInt16(at, true))).toEqual([0, 32767, -32767, 32767, 16384]);
  });
});
