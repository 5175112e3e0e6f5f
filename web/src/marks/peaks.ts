// The shape of a sound, for its timeline.

// How loud each of `bars` equal pieces is, 0 to 1 of the loudest.
export function peaksIn(samples: Float32Array, bars: number): number[] {
  const peaks = Array.from({ length: bars }, (_, i) => {
    let peak = 0;
    const end = Math.floor(((i + 1) * samples.length) / bars);
    for (let at = Math.floor((i * samples.length) / bars); at < end; ++at) peak = Math.max(peak, Math.abs(samples[at] as number));
    return peak;
  });
  const most = Math.max(...peaks) || 1;
  return peaks.map((peak) => peak / most);
}

export async function peaksOf(url: string, bars: number): Promise<number[]> {
  const bytes = await (await fetch(url)).arrayBuffer();
  const sound = await new OfflineAudioContext(1, 1, 24_000).decodeAudioData(bytes);
  return peaksIn(sound.getChannelData(0), bars);
}
