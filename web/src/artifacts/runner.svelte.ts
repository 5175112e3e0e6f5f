// One run of an artifact in its frame: hands it the page, takes what it says as text, notices when it hangs or floods.
export interface Line {
  level: 'debug' | 'log' | 'info' | 'warn' | 'error' | 'blocked';
  text: string;
  count: number;
}
export type RunState = 'starting' | 'running' | 'silent' | 'flooding' | 'unreachable';

const kMostLines = 300;
const kMostAtOnce = 1500; // messages in a second
const kMostStarts = 30; // a page may load itself anew
const kPing = 1000; // ms
const kSilent = 3000;
const kUnreachable = 8000;
const levels = ['debug', 'log', 'info', 'warn', 'error', 'blocked'];

export class Runner {
  state = $state<RunState>('starting');
  lines = $state.raw<Line[]>([]);
  private fresh: Line[] = [];
  private ports: MessagePort[] = []; // one a start: what a page said before the next one still comes, and a page can feign a start
  private asked = 0; // when the last unanswered ping went, 0: none
  private received = 0;
  private starts = 0;
  private readonly timer: number;
  private readonly begun = performance.now();
  private drawing = 0;

  // stop(): takes the frame away.
  constructor(
    private readonly frame: HTMLIFrameElement,
    private readonly page: string,
    private readonly stop: () => void,
  ) {
    addEventListener('message', this.hear);
    this.timer = window.setInterval(() => this.check(), kPing);
  }

  close(): void {
    removeEventListener('message', this.hear);
    clearInterval(this.timer);
    clearTimeout(this.drawing);
    for (const port of this.ports) port.close();
    this.ports = [];
  }

  private hear = (event: MessageEvent): void => {
    if (event.source !== this.frame.contentWindow || !this.count()) return;
    if ((event.data as { melete?: unknown } | null)?.melete !== 'frame') return;
    if (++this.starts > kMostStarts) return this.flood();
    const { port1, port2 } = new MessageChannel();
    this.ports.push(port1);
    this.asked = 0;
    port1.onmessage = (message) => this.take(message.data);
    this.frame.contentWindow?.postMessage({ source: this.page }, '*', [port2]); // only its own page can be in the frame
    this.state = 'running';
  };

  private take(data: unknown): void {
    if (!this.count()) return;
    const { level, text } = (data ?? {}) as { level?: unknown; text?: unknown };
    if (level === 'pong') {
      this.asked = 0;
      if (this.state === 'silent') this.state = 'running';
      return;
    }
    if (typeof level !== 'string' || typeof text !== 'string' || !levels.includes(level)) return;
    const last = this.fresh.at(-1);
    if (last && last.text === text && last.level === level) last.count += 1;
    else this.fresh.push({ level: level as Line['level'], text: text.slice(0, 4000), count: 1 });
    this.drawing ||= window.setTimeout(() => this.draw(), 80);
  }

  private draw(): void {
    this.drawing = 0;
    this.lines = [...this.lines, ...this.fresh].slice(-kMostLines);
    this.fresh = [];
  }

  private count(): boolean {
    if (this.state === 'flooding') return false;
    if (++this.received <= kMostAtOnce) return true;
    this.flood();
    return false;
  }

  private flood(): void {
    this.state = 'flooding';
    this.close();
    this.stop();
  }

  private check(): void {
    this.received = 0;
    const now = performance.now();
    if (this.state === 'starting') {
      if (now - this.begun > kUnreachable) this.state = 'unreachable';
      return;
    }
    if (document.hidden) this.asked = 0;
    else if (!this.asked) {
      this.asked = now;
      for (const port of this.ports) port.postMessage(0);
    } else if (now - this.asked > kSilent && this.state === 'running') this.state = 'silent';
  }
}

// Where the frame's page is. Empty: nowhere, since this server can't be named in a policy (an IPv6 address).
export function frameUrl(port: number | null | undefined): string {
  return port && !location.hostname.startsWith('[') ? `${location.protocol}//${location.hostname}:${port}/frame` : '';
}
