// Whether somebody speaks, from the loudness of short pieces of sound. What is steadily there (a fan, a street) is learnt
// as the floor; speech is what stands out of it for a moment, and ends when it has been quiet for long enough.

export const kFrame_ms = 10;
const kBegin = 4; // loud frames among the last kWindow
const kWindow = 6;
export const kEnd_ms = 700;
const kLongest_ms = 30_000;
const kAbove = 3.2; // times the floor (10 dB)
const kQuietest = 0.006; // of full scale: never taken for speech

export type VoiceEvent = 'begins' | 'ends' | null;

export class VoiceDetector {
  private floor = 0.003;
  private recent: boolean[] = [];
  private quiet = 0; // ms
  private spoken = 0; // ms
  speaks = false;

  // `level`: root mean square of the next frame. `strict`: something else is being played, whose echo may be heard.
  put(level: number, strict = false): VoiceEvent {
    const loud = level > Math.max(kQuietest, kAbove * this.floor) * (strict ? 2 : 1);
    // Down at once; up slowly, and more slowly where it may be a voice.
    const pace = level < this.floor ? 0.2 : loud ? 0.0005 : 0.02;
    this.floor += pace * (level - this.floor);
    this.recent = [...this.recent, loud].slice(-kWindow);
    return this.speaks ? this.goOn(loud) : this.listen();
  }

  private listen(): VoiceEvent {
    if (this.recent.filter(Boolean).length < kBegin) return null;
    this.speaks = true;
    this.quiet = this.spoken = 0;
    return 'begins';
  }

  private goOn(loud: boolean): VoiceEvent {
    this.quiet = loud ? 0 : this.quiet + kFrame_ms;
    this.spoken += kFrame_ms;
    if (this.quiet < kEnd_ms && this.spoken < kLongest_ms) return null;
    this.speaks = false;
    this.recent = [];
    return 'ends';
  }
}

export function loudness(frame: Float32Array): number {
  let sum = 0;
  for (const sample of frame) sum += sample * sample;
  return Math.sqrt(sum / Math.max(1, frame.length));
}
