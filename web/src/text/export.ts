// A conversation as a file to keep.
import { textOf, type Details, type Message, type Tree } from '../api/types';
import { call } from '../api/client';
import { pathTo } from '../state/tree';

const speakerOf = (message: Message): string =>
  message.role === 'user' ? 'You' : message.role === 'assistant' ? 'Melete' : 'Instructions';

// The branch that is shown.
export function asMarkdown(tree: Tree, fileNames: ReadonlyMap<string, string>): string {
  const messages = new Map(tree.messages.map((message) => [message.id, message]));
  const parts = [`# ${tree.title || 'Untitled'}\n`];
  for (const message of pathTo(messages, tree.active_leaf)) {
    parts.push(`## ${speakerOf(message)}\n`);
    for (const id of message.files) parts.push(`*File: ${fileNames.get(id) ?? id}*\n`);
    if (message.meta.reasoning) parts.push(`${message.meta.reasoning.replace(/^/gm, '> ')}\n`);
    parts.push(`${textOf(message.content)}\n`);
    const details = message.meta.details as Details | undefined;
    if (details?.tokens) parts.push(`*${message.meta.model}, seed ${message.meta.seed}, ${details.tokens.reasoning + details.tokens.answer} tokens*\n`);
  }
  return parts.join('\n');
}

export function saveAs(name: string, type: string, content: BlobPart): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export const fileNameOf = (title: string): string =>
  title.replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-+|-+$/g, '').slice(0, 60).toLowerCase() || 'conversation';

export async function fileNamesOf(tree: Tree): Promise<Map<string, string>> {
  const ids = [...new Set(tree.messages.flatMap((message) => message.files))];
  const infos = await Promise.allSettled(ids.map((id) => call<{ name: string }>('GET', `/api/files/${id}`)));
  return new Map(ids.map((id, i) => [id, infos[i]?.status === 'fulfilled' ? infos[i].value.name : id]));
}

export async function exportConversation(id: string, format: 'markdown' | 'json' | 'html'): Promise<void> {
  if (format === 'html') return (await import('./share')).shareAsHtml(id);
  const tree = await call<Tree>('GET', `/api/conversations/${id}`);
  const name = fileNameOf(tree.title);
  if (format === 'json') saveAs(`${name}.json`, 'application/json', JSON.stringify(tree, null, 2));
  else saveAs(`${name}.md`, 'text/markdown', asMarkdown(tree, await fileNamesOf(tree)));
}
