import { expect, it, vi } from 'vitest';
import { access } from '../api/client';

it('shows what comes of an answer after its head was shown', async () => {
  vi.useFakeTimers();
  vi.stubGlobal('window', globalThis);
  const { recorder } = await import('./recorder.svelte');
  recorder.start();
  let send: (text: string) => void = () => {};
  const body = new ReadableStream({
    start: (controller) =>
      void (send = (text) => {
        controller.enqueue(new TextEncoder().encode(text));
        controller.close();
      }),
  });
  access.watch?.('GET', '/api/search?q=x', null)(new Response(body, { headers: { 'content-type': 'application/json' } }));
  await vi.advanceTimersByTimeAsync(400);
  expect(recorder.calls).toMatchObject([{ status: 200, text: '' }]);
  send('{"hits": []}');
  await vi.advanceTimersByTimeAsync(400);
  expect(recorder.calls).toMatchObject([{ status: 200, text: '{"hits": []}' }]);
  vi.useRealTimers();
});
