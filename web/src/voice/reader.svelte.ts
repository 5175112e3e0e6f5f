// Reads answers aloud: with a voice of this device, or where it has none with the server's. A voice that would send the
// text to another host is never used.
import { send } from '../api/client';
import { sentencesOf, spokenText } from './speech_text';

const localVoice = (): SpeechSynthesisVoice | undefined => {
  const voices = 'speechSynthesis' in globalThis ? speechSynthesis.getVoices().filter((voice) => voice.localService) : [];
  const language = navigator.language.slice(0, 2);
  return voices.find((voice) => voice.lang.startsWith(language)) ?? voices[0];
};

class Reader {
  reads = $state<string | null>(null); // what: an answer's message
  private turn = 0; // a reading that isn't the last one is over
  private context: AudioContext | null = null;
  private source: AudioBufferSourceNode | null = null;

  // Resolves when all is read, or stopped. Throws what the server says against it.
  async read(id: string, markdown: string): Promise<void> {
    this.stop();
    const mine = ++this.turn;
    this.reads = id;
    const sentences = sentencesOf(spokenText(markdown));
    const voice = localVoice();
    try {
      let next = voice ? null : this.soundOf(sentences[0]);
      for (let i = 0; i < sentences.length && mine === this.turn; ++i) {
        if (voice) {
          await this.say(sentences[i] as string, voice);
          continue;
        }
        const sound = await next;
        next = this.soundOf(sentences[i + 1]);
        next.catch(() => {}); // said when its turn comes
        if (sound && mine === this.turn) await this.play(sound);
      }
    } finally {
      if (mine === this.turn) this.reads = null;
    }
  }

  // Silent at once.
  stop(): void {
    this.turn += 1;
    this.reads = null;
    this.source?.stop();
    this.source = null;
    if ('speechSynthesis' in globalThis) speechSynthesis.cancel();
  }

  private say(text: string, voice: SpeechSynthesisVoice): Promise<void> {
    return new Promise((done) => {
      const utterance = new SpeechSynthesisUtterance(text);
      utterance.voice = voice;
      utterance.onend = utterance.onerror = () => done();
      speechSynthesis.speak(utterance);
    });
  }

  private async soundOf(text: string | undefined): Promise<AudioBuffer | null> {
    if (text === undefined) return null;
    this.context ??= new AudioContext();
    const response = await send('POST', '/api/speech', { text });
    return await this.context.decodeAudioData(await response.arrayBuffer());
  }

  private play(sound: AudioBuffer): Promise<void> {
    const context = this.context as AudioContext;
    return new Promise((done) => {
      const source = context.createBufferSource();
      source.buffer = sound;
      source.connect(context.destination);
      source.onended = () => done();
      this.source = source;
      void context.resume();
      source.start();
    });
  }
}

export const reader = new Reader();
