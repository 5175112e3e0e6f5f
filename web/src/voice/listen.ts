// Listens to the microphone and gives what is said, one utterance at a time, as WAV files.
import { wavOf } from '../chat/record';
import tapUrl from './tap.worklet.ts?worker&url';
import { kEnd_ms, kFrame_ms, loudness, VoiceDetector } from './vad';

const kRate = 24_000;
const kBefore = 30; // frames before a voice is noticed that belong to it
const kShortest_ms = 250; // of an utterance, without the pause at its end

export interface Listening {
  level: () => number; // 0 to 1
  stop: () => void;
}

export interface Hearing {
  begins: () => void; // somebody speaks: called within 100 ms
  said: (sound: File) => void;
  nothing: () => void; // it was too short to be a word
  isPlaying: () => boolean; // this page makes a sound itself
}

async function resampled(frames: Float32Array[], rate: number): Promise<Float32Array> {
  const length = frames.reduce((sum, frame) => sum + frame.length, 0);
  const samples = new Float32Array(length);
  let at = 0;
  for (const frame of frames) {
    samples.set(frame, at);
    at += frame.length;
  }
  const offline = new OfflineAudioContext(1, Math.max(1, Math.round((length * kRate) / rate)), kRate);
  const source = offline.createBufferSource();
  source.buffer = offline.createBuffer(1, Math.max(1, length), rate);
  source.buffer.copyToChannel(samples, 0);
  source.connect(offline.destination);
  source.start();
  return (await offline.startRendering()).getChannelData(0);
}

export async function listen(hearing: Hearing): Promise<Listening> {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true } });
  const context = new AudioContext();
  const stop = (): void => {
    for (const track of stream.getTracks()) track.stop();
    void context.close();
  };
  try {
    await context.audioWorklet.addModule(tapUrl);
  } catch (error) {
    stop();
    throw error;
  }
  const tap = new AudioWorkletNode(context, 'tap', { numberOfOutputs: 0 });
  context.createMediaStreamSource(stream).connect(tap);
  const detector = new VoiceDetector();
  let frames: Float32Array[] = [];
  let level = 0;
  let spoken = 0; // frames since it was noticed
  tap.port.onmessage = ({ data }: MessageEvent<Float32Array>) => {
    level = loudness(data);
    const event = detector.put(level, hearing.isPlaying());
    frames.push(data);
    if (!detector.speaks && event !== 'ends') {
      frames = frames.slice(-kBefore);
      return;
    }
    spoken += 1;
    if (event === 'begins') {
      spoken = 0;
      hearing.begins();
    } else if (event === 'ends') {
      const whole = frames;
      frames = [];
      if (spoken * kFrame_ms - kEnd_ms < kShortest_ms) return hearing.nothing();
      void resampled(whole, context.sampleRate).then(
        (samples) => hearing.said(new File([wavOf(samples, kRate)], 'said.wav', { type: 'audio/wav' })),
        () => hearing.nothing(),
      );
    }
  };
  return { level: () => Math.min(1, level * 5), stop };
}
