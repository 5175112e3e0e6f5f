// Server-sent events from a fetch, which unlike EventSource can post a body.

export interface ServerEvent {
  name: string;
  data: string;
  id: string;
}

// Takes a stream's text in pieces of any size.
export class EventParser {
  private rest = '';
  private name = '';
  private data: string[] = [];
  private id = '';

  push(piece: string): ServerEvent[] {
    const events: ServerEvent[] = [];
    const lines = (this.rest + piece).split('\n');
    this.rest = lines.pop() ?? '';
    for (const raw of lines) {
      const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
      if (line === '') {
        if (this.data.length) events.push({ name: this.name || 'message', data: this.data.join('\n'), id: this.id });
        this.name = '';
        this.data = [];
      } else if (!line.startsWith(':')) {
        this.field(line);
      }
    }
    return events;
  }

  private field(line: string): void {
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'event') this.name = value;
    else if (name === 'data') this.data.push(value);
    else if (name === 'id') this.id = value;
  }
}

// Calls `take` with the events of each piece that came. Rejects when the connection breaks.
export async function readEvents(response: Response, take: (events: ServerEvent[]) => void): Promise<void> {
  if (!response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const parser = new EventParser();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = parser.push(value);
    if (events.length) take(events);
  }
}
