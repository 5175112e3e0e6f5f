// Runs beside the page: hands on what the microphone gives, in frames of 10 ms.
declare const sampleRate: number;
declare function registerProcessor(name: string, processor: unknown): void;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}

class Tap extends AudioWorkletProcessor {
  private readonly length = Math.round(sampleRate / 100);
  private frame = new Float32Array(this.length);
  private filled = 0;

  process(inputs: Float32Array[][]): boolean {
    for (const sample of inputs[0]?.[0] ?? []) {
      this.frame[this.filled++] = sample;
      if (this.filled < this.length) continue;
      this.port.postMessage(this.frame, [this.frame.buffer]);
      this.frame = new Float32Array(this.length); // the other one is the page's now
      this.filled = 0;
    }
    return true;
  }
}
registerProcessor('tap', Tap);

export {};
