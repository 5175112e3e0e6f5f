// Files of messages: what is known of them, and sending new ones.
import { SvelteMap } from 'svelte/reactivity';
import type { FileInfo } from '../api/types';
import { isDocumentText } from '../documents/names';
import { call } from '../api/client';

export type FileKind = 'picture' | 'sound' | 'clip' | 'table' | 'document' | 'file';

export function kindOf(type: string, name: string): FileKind {
  if (/^image\/(png|jpeg|webp|gif)$/.test(type)) return 'picture';
  if (type.startsWith('audio/')) return 'sound';
  if (type.startsWith('video/')) return 'clip';
  if (/\.(csv|tsv|json)$/i.test(name) || /(csv|json|tab-separated)/.test(type)) return 'table';
  if (isDocumentText(name) || /^text\/(plain|markdown)/.test(type)) return 'document';
  return 'file';
}

export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const kilo = bytes / 1000;
  if (kilo < 1000) return `${kilo.toFixed(kilo < 10 ? 1 : 0)} kB`;
  return kilo < 1_000_000 ? `${(kilo / 1000).toFixed(1)} MB` : `${(kilo / 1_000_000).toFixed(1)} GB`;
}

class Files {
  private known = new SvelteMap<string, FileInfo | null>();
  private asked = new Set<string>();

  // Undefined while it is being asked for; null: there is none of that id any more.
  info(id: string): FileInfo | null | undefined {
    if (!this.asked.has(id)) {
      this.asked.add(id);
      void call<FileInfo>('GET', `/api/files/${encodeURIComponent(id)}`).then(
        (info) => this.known.set(id, info),
        () => this.known.set(id, null),
      );
    }
    return this.known.get(id);
  }

  // Those that can be looked at: pictures and clips.
  viewable(ids: string[]): string[] {
    return ids.filter((id) => ['picture', 'clip'].includes(kindOf(this.info(id)?.type ?? '', '')));
  }

  // Null: there is none.
  async find(id: string): Promise<FileInfo | null> {
    const info = this.known.get(id);
    return info !== undefined ? info : call<FileInfo>('GET', `/api/files/${encodeURIComponent(id)}`).catch(() => null);
  }

  async put(file: File): Promise<FileInfo> {
    const form = new FormData();
    form.append('file', file, file.name || 'file');
    const { files } = await call<{ files: FileInfo[] }>('POST', '/api/files', form);
    const info = files[0];
    if (!info) throw new Error('The server kept no file.');
    this.asked.add(info.id);
    this.known.set(info.id, info);
    return info;
  }
}

export const files = new Files();
