// How fast the page is: node e2e/web/speed.mjs, with MELETE and CHROMIUM set as e2e/web.sh does. Prints JSON; ends with 1
// where a budget is exceeded. It measures this machine, so it is no test.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setInterval } from 'node:timers/promises';
import { composer, longTalk, openPage, startBrowser, startServer, streamOf } from './app.mjs';

const server = await startServer();
const browser = await startBrowser();
const budgets = { first_load_kb: 300, interactive_ms: 1000, stream_cpu_percent: 10, stream_longest_task_ms: 50, scroll_worst_frame_ms: 34 };
const got = {};

async function metric(session, name) {
  const { metrics } = await session.send('Performance.getMetrics');
  return metrics.find((each) => each.name === name).value;
}

// A first visit, with nothing kept from before.
{
  const page = await openPage(browser, 'about:blank');
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  let bytes = 0;
  session.on('Network.loadingFinished', (event) => (bytes += event.encodedDataLength));
  const began = performance.now();
  await page.goto(server.url);
  await composer(page).fill('x'); // it can be written into
  got.interactive_ms = Math.round(performance.now() - began);
  await page.waitForLoadState('networkidle');
  got.first_load_kb = Math.round(bytes / 1000);
  await page.context().close();
}

// 3,000 tokens at 100 a second, with Markdown of all kinds, from a server, so that making them doesn't count as the page's.
{
  const words = '## Part\n\nSome **bold** words and `code` in a *sentence* that goes on. \n\n- one item\n- another item\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```js\nconst x = 1;\n```\n\n'.match(/\S+\s*/g);
  const parts = streamOf(Array.from({ length: 3000 }, (_, i) => words[i % words.length]));
  const source = createServer(async (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'access-control-allow-origin': '*' });
    for await (const _ of setInterval(10)) {
      response.write(parts.shift());
      if (!parts.length) break;
    }
    response.end();
  }).listen(0, '127.0.0.1');
  await once(source, 'listening');
  const page = await openPage(browser, server.url, { bypassCSP: true });
  await page.evaluate((port) => {
    const original = window.fetch;
    window.fetch = (path, options) => (String(path).endsWith('/answers') ? original(`http://127.0.0.1:${port}/`) : original(path, options));
  }, source.address().port);
  await page.evaluate(() => {
    window.longest = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => (window.longest = Math.max(window.longest, entry.duration)))).observe({ type: 'longtask' });
  });
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' }); // what others on the machine take isn't counted
  await composer(page).fill('go');
  const busy = await metric(session, 'TaskDuration');
  const began = performance.now();
  await composer(page).press('Enter');
  await page.locator('article[aria-label=Melete] footer').waitFor({ timeout: 120_000 });
  const seconds = (performance.now() - began) / 1000;
  got.stream_cpu_percent = Math.round((100 * ((await metric(session, 'TaskDuration')) - busy)) / seconds);
  got.stream_seconds = Math.round(seconds);
  got.stream_longest_task_ms = Math.round(await page.evaluate(() => window.longest));
  await page.context().close();
  source.close();
}

// 2,000 messages: frames while it scrolls.
{
  await longTalk(server.url);
  const page = await openPage(browser, server.url);
  const began = performance.now();
  await page.getByRole('link', { name: 'Long' }).click();
  await page.locator('article').getByText('Answer 1999').waitFor();
  got.open_2000_ms = Math.round(performance.now() - began);
  const frames = await page.evaluate(async () => {
    const scroller = document.querySelector('[aria-label=Messages]');
    const times = [];
    let last = performance.now();
    for (let i = 0; i < 240; ++i) {
      scroller.scrollTop -= 120;
      await new Promise(requestAnimationFrame);
      times.push(performance.now() - last);
      last = performance.now();
    }
    return times.sort((a, b) => a - b);
  });
  got.scroll_median_frame_ms = Math.round(frames[120] * 10) / 10;
  got.scroll_worst_frame_ms = Math.round(frames[Math.floor(frames.length * 0.98)] * 10) / 10; // of 98 in 100
  await page.context().close();
}

await browser.close();
await server.stop();
const exceeded = Object.keys(budgets).filter((name) => got[name] > budgets[name]);
console.log(JSON.stringify({ got, budgets, exceeded }, null, 2));
process.exit(exceeded.length ? 1 : 0);
