import { describe, expect, it } from 'vitest';
import { EventParser, type ServerEvent } from './events';

const whole = 'id: 0\nevent: run\ndata: {"seq":0}\n\n: ping\n\nevent: done\r\ndata: a\r\ndata: b\r\n\r\n';
const wanted: ServerEvent[] = [
  { name: 'run', data: '{"seq":0}', id: '0' },
  { name: 'done', data: 'a\nb', id: '0' },
];

describe('EventParser', () => {
  it('gives the same events however the stream is cut', () => {
    for (let size = 1; size <= whole.length; ++size) {
      const parser = new EventParser();
      const events: ServerEvent[] = [];
      for (let at = 0; at < whole.length; at += size) events.push(...parser.push(whole.slice(at, at + size)));
      expect(events).toEqual(wanted);
    }
  });
  it('keeps an event back that has not ended', () => {
    const parser = new EventParser();
    expect(parser.push('data: half\n')).toEqual([]);
    expect(parser.push('\n')).toEqual([{ name: 'message', data: 'half', id: '' }]);
  });
});
