// Beside the page: keeps the app's own files, so that it opens while its server doesn't run. Whoever reaches the server gets
// the page from it, so a page that is kept is never shown in the place of a newer one. Nothing of a user passes through here.
import { filesOf, stylesOf } from './shell';

interface Lasting extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Asking extends Lasting {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}
const worker = self as unknown as { skipWaiting(): Promise<void>; clients: { claim(): Promise<void> } };
const kStore = 'melete-app';

async function got(path: string): Promise<Response> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response;
}

// Keeps a page with all that it begins with, or nothing of it; then lets go of what belonged to an older one.
async function keep(page: Response): Promise<void> {
  const store = await caches.open(kStore);
  const text = await page.clone().text();
  const isKept = (await (await store.match('/'))?.text()) === text;
  if (!isKept) {
    const files = filesOf(text, '');
    const styles = await Promise.all(stylesOf(files).map(async (file) => (await got(file)).text()));
    const all = filesOf(text, styles.join('\n'));
    const responses = await Promise.all(all.map(got));
    await Promise.all(all.map((file, i) => store.put(file, responses[i] as Response)));
    for (const { url } of await store.keys()) if (!all.includes(new URL(url).pathname)) await store.delete(url);
  }
  await store.put('/', page); // its policy may have changed, if it hasn't
}

async function open(event: Asking): Promise<Response> {
  try {
    const page = await fetch(event.request);
    if (page.ok) event.waitUntil(keep(page.clone()).catch(() => {})); // the next visit tries again
    return page;
  } catch (error) {
    const kept = await caches.match('/', { cacheName: kStore });
    if (!kept) throw error;
    return kept;
  }
}

// A file with a hash in its name is the same for ever.
async function asset(event: Asking): Promise<Response> {
  const kept = await caches.match(event.request, { cacheName: kStore });
  if (kept) return kept;
  const response = await fetch(event.request);
  if (response.status === 200) {
    const copy = response.clone();
    event.waitUntil(caches.open(kStore).then((store) => store.put(event.request, copy)).catch(() => {}));
  }
  return response;
}

addEventListener('install', (event) => (event as Lasting).waitUntil(Promise.all([got('/').then(keep), worker.skipWaiting()])));
addEventListener('activate', (event) => (event as Lasting).waitUntil(worker.clients.claim()));
addEventListener('fetch', (event) => {
  const asking = event as Asking;
  const { method, mode, url } = asking.request;
  const { origin, pathname } = new URL(url);
  if (method !== 'GET' || origin !== location.origin) return;
  if (mode === 'navigate' && pathname === '/') asking.respondWith(open(asking));
  else if (/^\/assets\/[^/]+\.(js|css|woff2|svg)$/.test(pathname)) asking.respondWith(asset(asking));
});
