// Talking without hands: what is said is asked, what is answered is read aloud, and who speaks meanwhile is heard: the
// reading ends at once, and so does the answer.
import { thread } from '../state/thread.svelte';
import { textOf, type Message, type Part } from '../api/types';
import { draft } from '../state/draft.svelte';
import { files } from '../state/files.svelte';
import { toasts } from '../state/toasts.svelte';
import type { Listening } from './listen';
import { reader } from './reader.svelte';

type Phase = 'off' | 'listens' | 'hears' | 'asks' | 'answers' | 'reads';

class HandsFree {
  phase = $state<Phase>('off');
  private listening: Listening | null = null;
  private before: string | null = null; // what was shown last when it was asked

  get level(): number {
    return this.listening?.level() ?? 0;
  }

  async start(): Promise<void> {
    const { listen } = await import('./listen');
    this.listening = await listen({
      begins: () => this.interrupt(),
      said: (sound) => void this.ask(sound).catch((error: unknown) => this.fail(error)),
      nothing: () => (this.phase = 'listens'),
      isPlaying: () => reader.reads !== null,
    });
    this.phase = 'listens';
  }

  stop(): void {
    this.listening?.stop();
    this.listening = null;
    reader.stop();
    this.phase = 'off';
  }

  private interrupt(): void {
    reader.stop();
    if (thread.answering) void thread.stop();
    this.phase = 'hears';
  }

  private fail(error: unknown): void {
    toasts.error(error);
    if (this.listening) this.phase = 'listens';
  }

  private async ask(sound: File): Promise<void> {
    this.phase = 'asks';
    const info = await files.put(sound);
    while (thread.answering || thread.asking) await new Promise((resolve) => setTimeout(resolve, 30)); // what was interrupted ends
    this.before = thread.leaf;
    // What is written goes along each time: an instruction for all that is said.
    const text = draft.text.trim();
    const parts: Part[] = [{ type: 'file', file_id: info.id }];
    await thread.say(text ? [...parts, { type: 'text', text }] : parts, 'What I said');
    if (this.phase === 'asks') this.phase = 'answers';
  }

  // `last` is shown last, and nothing is being answered.
  async answered(last: Message): Promise<void> {
    if (this.phase !== 'answers' || last.id === this.before || last.role !== 'assistant') return;
    this.phase = 'reads';
    await reader.read(last.id, textOf(last.content));
    if (this.phase === 'reads') this.phase = 'listens';
  }
}

export const handsFree = new HandsFree();
