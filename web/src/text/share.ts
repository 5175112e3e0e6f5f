// A conversation as one HTML file that needs nothing else: pictures and sounds are in it, and nothing in it runs.
import { filesOf, textOf, type Details, type Message, type Tree } from '../api/types';
import { call, fileUrl, send } from '../api/client';
import { kindOf } from '../state/files.svelte';
import { pathTo } from '../state/tree';
import { fileNameOf, saveAs } from './export';
import { escapeHtml, markdownHtml } from './markdown';
import { purify } from './purify';

const style = `:root{color-scheme:light dark}body{max-width:44rem;margin:0 auto;padding:2rem 1.25rem 4rem;font:1rem/1.65 system-ui,sans-serif;
background:light-dark(#fcfcfa,#151817);color:light-dark(#1a1f1c,#e9ece9)}h1{font-size:1.5rem;letter-spacing:-.02em}
.user{margin:2rem 0 0 auto;width:fit-content;max-width:85%;padding:.6rem 1rem;border-radius:16px 16px 4px 16px;white-space:pre-wrap;
overflow-wrap:anywhere;background:light-dark(#e7f1ec,#1d2d27)}.files{display:flex;flex-wrap:wrap;gap:.5rem;justify-content:end;margin-top:1.5rem}
img,video{max-width:18rem;max-height:16rem;border-radius:12px}details{margin-top:1.2rem;color:light-dark(#525a55,#a9b2ac)}details p{white-space:pre-wrap;
padding-left:1rem;border-left:2px solid light-dark(#e1e4dd,#2b302d)}.facts,footer{color:light-dark(#525a55,#a9b2ac);font-size:.85rem}
pre{overflow-x:auto;padding:.8rem;border-radius:10px;background:light-dark(#f3f4f0,#101312)}table{border-collapse:collapse}
th,td{padding:.3rem .7rem;border:1px solid light-dark(#e1e4dd,#2b302d)}a{color:inherit}`;

async function dataUrlOf(id: string, type: string): Promise<string> {
  const bytes = new Uint8Array(await (await send('GET', fileUrl(id))).arrayBuffer());
  let binary = '';
  for (let at = 0; at < bytes.length; at += 0x8000) binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return `data:${type};base64,${btoa(binary)}`;
}

async function fileHtml(id: string): Promise<string> {
  const { name, type } = await call<{ name: string; type: string }>('GET', `/api/files/${id}`);
  const kind = kindOf(type, name);
  const label = escapeHtml(name);
  if (kind === 'picture') return `<img src="${await dataUrlOf(id, type)}" alt="${label}">`;
  if (kind === 'sound') return `<audio controls src="${await dataUrlOf(id, escapeHtml(type))}"></audio>`;
  if (kind === 'clip') return `<video controls src="${await dataUrlOf(id, escapeHtml(type))}"></video>`;
  return `<span>${label}</span>`;
}

function proseHtml(text: string): string {
  const box = document.createElement('div');
  box.append(purify(markdownHtml(text)));
  return box.innerHTML;
}

async function messageHtml(message: Message): Promise<string> {
  if (message.role !== 'assistant') {
    const ids = filesOf(message.content);
    const files = await Promise.all(ids.map((id) => fileHtml(id).catch(() => '')));
    const text = textOf(message.content);
    return `${files.length ? `<div class="files">${files.join('')}</div>` : ''}${text ? `<div class="user">${escapeHtml(text)}</div>` : ''}`;
  }
  const { reasoning, model, seed } = message.meta;
  const tokens = (message.meta.details as Details | undefined)?.tokens;
  const thought = reasoning ? `<details><summary>Reasoning</summary><p>${escapeHtml(reasoning)}</p></details>` : '';
  const facts = tokens ? `<p class="facts">${escapeHtml(String(model))}, seed ${Number(seed)}, ${tokens.reasoning + tokens.answer} tokens</p>` : '';
  return `${thought}${proseHtml(textOf(message.content))}${facts}`;
}

export async function shareAsHtml(id: string): Promise<void> {
  const tree = await call<Tree>('GET', `/api/conversations/${id}`);
  const path = pathTo(new Map(tree.messages.map((message) => [message.id, message])), tree.active_leaf);
  const parts: string[] = [];
  for (const message of path) parts.push(await messageHtml(message));
  const title = escapeHtml(tree.title || 'Untitled');
  const policy = "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'";
  saveAs(
    `${fileNameOf(tree.title)}.html`,
    'text/html',
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}">` +
      `<meta name="viewport" content="width=device-width"><title>${title}</title><style>${style}</style></head><body><h1>${title}</h1>` +
      `${parts.join('\n')}<footer><p>Answers of a model, which makes mistakes. Saved from Melete.</p></footer></body></html>`,
  );
}
