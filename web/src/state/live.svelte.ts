// One answer under way: its events as they come, taken up again when the connection breaks or the page is reloaded.
import type { Message, RunEvent, SteerAction } from '../api/types';
import { ApiFailure, send } from '../api/client';
import { readEvents, type ServerEvent } from '../api/events';
import { follow, newRun, type Run } from '../run/run';
import { Pacing } from './pacing';

export interface Listener {
  said(message: Message): void; // what was asked, as it is stored
  begun(message: Message): void; // the answer's message, empty yet
  done(message: Message | null): void; // null: it is gone
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class LiveAnswer {
  run = $state.raw<Run>(newRun(performance.now()));
  lost = $state(false); // no connection at the moment
  over = false;
  private answer = '';
  private waiting: RunEvent[] = [];
  private timer = 0;
  private drawn = 0;
  private readonly pacing = new Pacing();
  private readonly giveUp = new AbortController();

  constructor(private readonly listener: Listener) {}

  // Resolves when the answer has begun; rejects when the server refuses the question.
  async ask(conversation: string, question: object): Promise<void> {
    const path = `/api/conversations/${conversation}/answers`;
    const response = await send('POST', path, question, { signal: this.giveUp.signal });
    void this.read(response);
  }

  resume(answer: string): void {
    this.answer = answer;
    void this.read(null);
  }

  // Lets go of the connection; the answer goes on.
  close(): void {
    this.over = true;
    this.giveUp.abort();
    clearTimeout(this.timer);
  }

  get id(): string {
    return this.answer;
  }

  async stop(): Promise<void> {
    if (this.answer) await send('POST', `/api/answers/${this.answer}/stop`);
  }

  // Has its agents (or one) answer now, ends one, or lets one's answer win.
  async steer(action: SteerAction, agent?: number): Promise<void> {
    if (this.answer) await send('POST', `/api/answers/${this.answer}/steer`, agent === undefined ? { action } : { action, agent });
  }

  private async read(first: Response | null): Promise<void> {
    let response = first;
    for (let wait = 400; !this.over; wait = Math.min(wait * 2, 8000)) {
      try {
        response ??= await send('GET', this.eventsPath(), undefined, { signal: this.giveUp.signal });
        this.lost = false;
        await readEvents(response, (events) => {
          wait = 400;
          this.take(events);
        });
      } catch (error) {
        if (error instanceof ApiFailure && error.status >= 400 && error.status < 500 && error.status !== 429) {
          this.over = true;
          this.listener.done(null);
        }
      }
      response = null;
      if (this.over) return;
      this.lost = true;
      await pause(wait);
    }
  }

  private eventsPath(): string {
    const last = this.waiting.at(-1)?.seq ?? this.run.last;
    return `/api/answers/${this.answer}/events${last >= 0 ? `?after=${last}` : ''}`;
  }

  private take(events: ServerEvent[]): void {
    for (const event of events) {
      const data = JSON.parse(event.data) as unknown;
      if (event.name === 'run') {
        this.waiting.push(data as RunEvent);
      } else if (event.name === 'message') {
        this.listener.said(data as Message);
      } else if (event.name === 'answer') {
        const message = data as Message;
        this.answer = message.meta.answer ?? '';
        this.listener.begun(message);
      } else if (event.name === 'done') {
        this.flush();
        this.over = true;
        this.listener.done((data as { message?: Message }).message ?? null);
      }
    }
    if (this.waiting.length && !this.timer) this.timer = window.setTimeout(() => this.flush(), this.pace());
  }

  // Until the next drawing, in ms.
  private pace(): number {
    return Math.max(0, this.pacing.wait() - (performance.now() - this.drawn));
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = 0;
    this.drawn = performance.now();
    if (!this.waiting.length) return;
    this.pacing.measure();
    this.run = follow(this.run, this.waiting, performance.now());
    this.waiting = [];
  }
}
