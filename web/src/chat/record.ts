// Records the microphone as a WAV file: 24 kHz, one channel, 16 bits, which every model that hears takes.
const kRate = 24_000;

export function wavOf(samples: Float32Array, rate: number): Blob {
  const view = new DataView(new ArrayBuffer(44 + samples.length * 2));
  const text = (at: number, letters: string): void => [...letters].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  text(0, 'RIFF');
  view.setUint32(4, 36 + samples.length * 2, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, 'data');
  view.setUint32(40, samples.length * 2, true);
  samples.forEach((sample, i) => view.setInt16(44 + i * 2, Math.round(Math.max(-1, Math.min(1, sample)) * 32767), true));
  return new Blob([view.buffer], { type: 'audio/wav' });
}

export interface Recording {
  level: () => number; // 0 to 1, of the last moment
  stop: () => Promise<File>;
  cancel: () => void;
}

export const canRecord = (): boolean => typeof MediaRecorder !== 'undefined' && !!navigator.mediaDevices?.getUserMedia;

export async function record(): Promise<Recording> {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
  const context = new AudioContext();
  const meter = context.createAnalyser();
  meter.fftSize = 512;
  context.createMediaStreamSource(stream).connect(meter);
  const window = new Float32Array(meter.fftSize);
  const recorder = new MediaRecorder(stream);
  const pieces: Blob[] = [];
  recorder.ondataavailable = (event) => pieces.push(event.data);
  recorder.start();
  const release = (): void => {
    for (const track of stream.getTracks()) track.stop();
    void context.close();
  };
  return {
    level: () => {
      meter.getFloatTimeDomainData(window);
      return Math.min(1, Math.max(...window.map(Math.abs)) * 1.5);
    },
    stop: async () => {
      await new Promise((done) => {
        recorder.onstop = done;
        recorder.stop();
      });
      release();
      const bytes = await new Blob(pieces, { type: recorder.mimeType }).arrayBuffer();
      const sound = await new OfflineAudioContext(1, 1, kRate).decodeAudioData(bytes); // resamples too
      return new File([wavOf(sound.getChannelData(0), kRate)], 'recording.wav', { type: 'audio/wav' });
    },
    cancel: () => {
      recorder.stop();
      release();
    },
  };
}
