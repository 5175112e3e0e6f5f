// What the app asks the server while the developer's drawer is open: bodies, answers and events.
import { access } from '../api/client';
import { readEvents, type ServerEvent } from '../api/events';

export interface Call {
  id: number;
  method: string;
  path: string;
  body: string | null; // null: none, or a file
  status: number; // 0: no answer yet
  took: number; // ms until the answer's head; 0: not yet
  text: string; // of an answer that is no stream
  events: ServerEvent[];
  isStream: boolean;
}

const kMostCalls = 60;
const kMostText = 200_000;
const kMostEvents = 3000;
const kSecret = /^\/api\/(session|account\/password|invitations|invitations\/redeem|users|keys)$/;

class Recorder {
  calls = $state.raw<Call[]>([]); // copies, for what shows them
  private all: Call[] = [];
  private next = 1;
  private timer = 0;

  start(): void {
    access.watch = (method, path, payload) => this.note(method, path, payload);
  }
  stop(): void {
    access.watch = null;
  }
  clear(): void {
    this.calls = this.all = [];
  }

  private note(method: string, path: string, payload: BodyInit | null): (response: Response) => void {
    const begun = performance.now();
    const body = typeof payload === 'string' ? (kSecret.test(path) ? '(not kept)' : payload.slice(0, kMostText)) : null;
    const call: Call = { id: this.next++, method, path, body, status: 0, took: 0, text: '', events: [], isStream: false };
    this.all = [call, ...this.all].slice(0, kMostCalls);
    this.changed();
    return (response) => {
      call.status = response.status;
      call.took = performance.now() - begun;
      const type = response.headers.get('content-type') ?? '';
      call.isStream = type.startsWith('text/event-stream');
      this.changed();
      // A copy of its own, so that the app reads as ever.
      if (call.isStream) void readEvents(response.clone(), (events) => this.put(call, events)).catch(() => {});
      else if (/^(application\/json|text\/)/.test(type) && !kSecret.test(path)) void response.clone().text().then((text) => ((call.text = text.slice(0, kMostText)), this.changed()), () => {});
    };
  }

  private put(call: Call, events: ServerEvent[]): void {
    call.events.push(...events);
    if (call.events.length > kMostEvents) call.events.splice(0, call.events.length - kMostEvents);
    this.changed();
  }

  private changed(): void {
    this.timer ||= window.setTimeout(() => {
      this.timer = 0;
      this.calls = this.all.map((call) => ({ ...call }));
    }, 150);
  }
}

export const recorder = new Recorder();
