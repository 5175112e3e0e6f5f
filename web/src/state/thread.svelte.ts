// The conversation that is open.
import { SvelteMap } from 'svelte/reactivity';
import type { Content, Conversation, Message, Model, Part, Tree } from '../api/types';
import { partsOf } from '../api/types';
import { templateOfFence } from '../artifacts/hint';
import { isKept, typedOf } from '../marks/own';
import { ApiFailure, call, send } from '../api/client';
import { kept } from '../offline/kept';
import { runs } from '../run/runs.svelte';
import type { Details } from '../api/types';
import { noteTaken } from './estimates.svelte';
import { library } from './library.svelte';
import { LiveAnswer } from './live.svelte';
import { models, optionsOf } from './models.svelte';
import { router } from './router.svelte';
import { settings, type Mode } from './settings.svelte';
import { toasts } from './toasts.svelte';
import { newestLeaf, pathTo, titleFor } from './tree';

class Thread {
  id = $state<string | null>(null);
  conversation = $state.raw<Conversation | null>(null);
  messages = $state.raw<ReadonlyMap<string, Message>>(new Map());
  leaf = $state<string | null>(null);
  live = new SvelteMap<string, LiveAnswer>(); // by the answer's message
  loading = $state(false);
  failure = $state('');
  asking = $state(false); // a question is on its way
  beside = $state<string | null>(null); // an answer that is shown next to the other one to the same question
  path = $derived(pathTo(this.messages, this.leaf));
  answering = $derived(this.path.some((message) => this.live.has(message.id)));

  clear(): void {
    for (const answer of this.live.values()) answer.close();
    this.live.clear();
    this.id = null;
    this.conversation = null;
    this.messages = new Map();
    this.leaf = null;
    this.failure = '';
    this.loading = false;
    this.beside = null;
  }

  async open(id: string): Promise<void> {
    if (id === this.id) return;
    this.clear();
    this.id = id;
    this.loading = true;
    try {
      const tree = await call<Tree>('GET', `/api/conversations/${encodeURIComponent(id)}`);
      if (this.id === id) this.take(tree);
    } catch (error) {
      if (this.id === id) this.failure = error instanceof ApiFailure && error.status === 404 ? 'This conversation doesn’t exist.' : String((error as Error).message);
    }
    if (this.id === id) this.loading = false;
  }

  async refresh(): Promise<void> {
    const id = this.id;
    this.id = null;
    if (id) await this.open(id);
  }

  // What has happened while the server couldn't be reached.
  async catchUp(): Promise<void> {
    const id = this.id;
    if (!id || this.asking || this.live.size) return; // what is under way comes by itself
    const tree = await call<Tree>('GET', `/api/conversations/${encodeURIComponent(id)}`);
    if (this.id !== id || (!this.failure && tree.updated_ms === this.conversation?.updated_ms)) return;
    this.failure = '';
    this.take(tree);
  }

  private remember(): void {
    if (this.conversation && !this.live.size) kept.put(`/api/conversations/${this.id}`, { ...this.conversation, messages: [...this.messages.values()], active_leaf: this.leaf });
  }

  private take(tree: Tree): void {
    const { messages, ...conversation } = tree;
    this.conversation = conversation;
    this.messages = new Map(messages.map((message) => [message.id, message]));
    this.leaf = conversation.active_leaf;
    for (const message of messages) {
      if (message.meta.status !== 'running' || !message.meta.answer) continue;
      const answer = this.listen(this.id as string);
      this.live.set(message.id, answer);
      answer.resume(message.meta.answer);
    }
  }

  private put(message: Message): void {
    this.messages = new Map(this.messages).set(message.id, message);
  }

  private listen(conversation: string): LiveAnswer {
    const mine = (): boolean => this.id === conversation;
    let own = '';
    const answer: LiveAnswer = new LiveAnswer({
      said: (message) => {
        if (!mine()) return;
        this.put(message);
        this.leaf = message.id;
      },
      begun: (message) => {
        if (!mine()) return;
        own = message.id;
        this.live.set(message.id, answer);
        this.put(message);
        this.leaf = message.id;
        this.asking = false;
      },
      done: (message) => {
        if (!mine()) return;
        runs.put(answer.id, answer.run);
        if (message) this.put(message);
        if (message?.meta.status === 'completed' && message.meta.finish === 'stop')
          noteTaken(message.meta.mode as Mode, message.meta.details as unknown as Details, answer.run.agents.length);
        for (const [id, each] of this.live) if (each === answer) own = id;
        this.live.delete(own);
        if (message) this.remember();
        else void this.refresh();
      },
    });
    return answer;
  }

  private async ask(question: object): Promise<void> {
    const conversation = this.id as string;
    this.asking = true;
    try {
      await this.listen(conversation).ask(conversation, question);
      void this.bump();
    } finally {
      this.asking = false;
    }
  }

  private async bump(): Promise<void> {
    try {
      const { messages: _, ...conversation } = await call<Tree>('GET', `/api/conversations/${this.id}`);
      library.put(conversation);
    } catch {
      // The list is a moment old then.
    }
  }

  // How to answer, with what was chosen where nothing else is given.
  private async options({ mode, template, model }: { mode?: Mode | undefined; template?: string; model?: Model | undefined }): Promise<object> {
    await settings.arrival; // what is asked as soon as the page is there is answered as was chosen, too
    const by = model ?? models.current;
    const options = optionsOf(settings.chosen, mode ?? settings.chosen.mode, by?.id ?? '', !by || by === models.own[0]);
    if (!template) return options;
    const filling = await (await import('../artifacts/filling')).fillingOf(template);
    return { ...options, ...filling, system: [options.system, filling.system].filter(Boolean).join('\n\n') };
  }

  // Says something below what is shown, or below `parent`; the answer fills `template`. Throws what the server says against it.
  async say(parts: Part[], fileName: string, { parent = this.leaf, template = '' }: { parent?: string | null; template?: string } = {}): Promise<void> {
    const only = parts.length === 1 && parts[0]?.type === 'text' ? parts[0].text : null;
    const content: Content = only ?? parts;
    const options = await this.options({ template });
    if (!this.id) {
      const text = typedOf(content);
      const made = await call<Conversation>('POST', '/api/conversations', { title: titleFor(text, fileName) });
      this.clear();
      this.id = made.id;
      this.conversation = made;
      try {
        await this.ask({ message: { content }, ...options });
      } catch (error) {
        await call('DELETE', `/api/conversations/${made.id}`).catch(() => {});
        this.clear();
        throw error;
      }
      router.go(`#/c/${made.id}`);
      library.put({ ...made, updated_ms: Date.now() });
      return;
    }
    await this.ask({ message: { content, parent }, ...options });
  }

  // Says it differently, beside the old message.
  async edit(message: Message, text: string): Promise<void> {
    const kept = partsOf(message.content).filter(isKept);
    const answer = [...this.messages.values()].findLast((each) => each.parent === message.id);
    const template = templateOfFence(answer?.meta.fence);
    await this.say([...kept, ...(text.trim() ? [{ type: 'text' as const, text }] : [])], '', { parent: message.parent, template });
  }

  async answerAgain(answer: Message, mode?: Mode, model?: Model): Promise<void> {
    if (!answer.parent) return;
    await this.ask({ to: answer.parent, ...(await this.options({ mode, template: templateOfFence(answer.meta.fence), model })) });
  }

  // Has it answered another way, and shows both.
  async compare(answer: Message, mode: Mode, model?: Model): Promise<void> {
    await this.answerAgain(answer, mode, model);
    this.beside = answer.id;
  }

  async show(message: Message): Promise<void> {
    this.leaf = newestLeaf(this.messages, message.id);
    try {
      await call('PATCH', `/api/conversations/${this.id}`, { show: this.leaf });
    } catch (error) {
      toasts.error(error);
    }
  }

  async stop(): Promise<void> {
    await this.each((answer) => answer.stop());
  }
  async answerNow(): Promise<void> {
    await this.each((answer) => answer.steer('answer'));
  }

  private async each(act: (answer: LiveAnswer) => Promise<void>): Promise<void> {
    for (const message of this.path) {
      const answer = this.live.get(message.id);
      if (answer) await act(answer).catch((error: unknown) => toasts.error(error));
    }
  }

  async remove(message: Message): Promise<void> {
    await send('DELETE', `/api/conversations/${this.id}/messages/${message.id}`);
    await this.refresh();
  }

  async fork(message: Message): Promise<void> {
    const made = await call<Conversation>('POST', `/api/conversations/${this.id}/fork`, { message: message.id });
    library.put(made);
    location.hash = `#/c/${made.id}`;
  }
}

export const thread = new Thread();
