// What finished blocks get beyond Markdown: colours and a copy button for code, set formulas, tables that scroll.
import { viewer } from '../documents/viewer.svelte';
import { purify } from './purify';

export function copyText(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement('textarea'); // pages without HTTPS have no clipboard
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
  return Promise.resolve();
}

export function dressCode(pre: HTMLPreElement, settled: boolean): void {
  const code = pre.querySelector('code');
  if (!code) return;
  const language = /language-(\S+)/.exec(code.className)?.[1] ?? '';
  const box = document.createElement('div');
  box.className = 'code-box';
  const bar = document.createElement('div');
  bar.className = 'code-bar';
  const name = document.createElement('span');
  name.textContent = language || 'text';
  const copy = document.createElement('button');
  copy.type = 'button';
  copy.textContent = 'Copy';
  copy.addEventListener('click', () => {
    void copyText(code.textContent ?? '').then(() => {
      copy.textContent = 'Copied';
      setTimeout(() => (copy.textContent = 'Copy'), 1500);
    });
  });
  bar.append(name, copy);
  pre.tabIndex = 0; // it scrolls
  pre.setAttribute('role', 'group'); // a page has many: no landmarks
  pre.setAttribute('aria-label', language ? `${language} code` : 'code');
  pre.replaceWith(box);
  box.append(bar, pre);
  if (settled && language) void colour(code, language);
}

async function colour(code: HTMLElement, language: string): Promise<void> {
  const { highlighted } = await import('./highlight');
  const html = highlighted(code.textContent ?? '', language);
  if (html) code.replaceChildren(purify(html));
}

// [page 3]: opens the document at that place.
export function dressCitation(span: HTMLElement): void {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'cite';
  button.textContent = span.textContent;
  button.title = 'Show it in the document';
  button.addEventListener('click', () => void viewer.cite((span.textContent ?? '').slice(1, -1)));
  span.replaceWith(button);
}

export function dressTable(table: HTMLTableElement): void {
  const box = document.createElement('div');
  box.className = 'table-box';
  box.tabIndex = 0; // it scrolls
  box.setAttribute('role', 'group');
  box.setAttribute('aria-label', 'table');
  table.replaceWith(box);
  box.append(table);
}

export async function typeset(node: HTMLElement): Promise<void> {
  const tex = node.getAttribute('data-tex') ?? '';
  const display = node.getAttribute('data-display') === 'true';
  const { mathml } = await import('./math');
  const html = mathml(tex, display);
  if (!html) return;
  node.replaceChildren(purify(html, 'math'));
  node.classList.toggle('display', display);
}
