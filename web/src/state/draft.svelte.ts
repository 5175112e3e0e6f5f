// What is being written: text and files that are sent ahead, so that asking takes no time.
import type { FileInfo, Part } from '../api/types';
import { documentKind, isForeign } from '../documents/names';
import { marksText, numbered, type Marked, type OwnMark } from '../marks/own';
import { fileUrl } from '../api/client';
import { files, kindOf } from './files.svelte';

export interface Attachment {
  key: number;
  name: string;
  type: string;
  size: number;
  preview: string; // of a picture, an address of this page; empty: none
  info: FileInfo | null; // null: still on its way
  failure: string;
  arrival: Promise<FileInfo | null>;
  marks: OwnMark[];
}

// Null: nothing can be marked on it.
export function markedKind(file: { type: string; name: string } | null | undefined): Marked | null {
  const kind = file ? kindOf(file.type, file.name) : 'file';
  return kind === 'picture' || kind === 'sound' || kind === 'clip' ? kind : null;
}

// Documents are sent as their text.
const textOf = async (file: File): Promise<File> =>
  documentKind(file.name) || isForeign(file.name) ? (await import('../documents/extract')).asText(file) : file;

const kLeft = 'draft';

class Draft {
  text = $state(sessionStorage.getItem(kLeft) ?? '');
  attachments = $state<Attachment[]>([]);
  template = $state(''); // what the answer is to fill; empty: nothing
  private next = 1;

  constructor() {
    sessionStorage.removeItem(kLeft);
  }

  // For the page that comes next in this tab.
  leave(): void {
    sessionStorage.setItem(kLeft, this.text);
  }

  add(list: Iterable<File>): void {
    for (const file of list) {
      const key = this.next++;
      const isPicture = /^image\/(png|jpeg|webp|gif)$/.test(file.type);
      const preview = isPicture ? URL.createObjectURL(file) : '';
      const arrival = textOf(file).then((ready) => files.put(ready)).then(
        (info) => {
          this.change(key, { info });
          return info;
        },
        (error: unknown) => {
          this.change(key, { failure: error instanceof Error ? error.message : String(error) });
          return null;
        },
      );
      this.attachments.push({ key, name: file.name, type: file.type, size: file.size, preview, info: null, failure: '', arrival, marks: [] });
    }
  }

  // A file that the server has.
  addKept(info: FileInfo): number {
    const key = this.next++;
    const preview = kindOf(info.type, info.name) === 'picture' ? fileUrl(info.id) : '';
    this.attachments.push({ key, name: info.name, type: info.type, size: info.bytes, preview, info, failure: '', arrival: Promise.resolve(info), marks: [] });
    return key;
  }

  mark(key: number, marks: OwnMark[]): void {
    this.change(key, { marks });
  }

  private change(key: number, change: Partial<Attachment>): void {
    const found = this.attachments.find((each) => each.key === key);
    if (found) Object.assign(found, change);
  }

  remove(key: number): void {
    const found = this.attachments.find((each) => each.key === key);
    if (found?.preview.startsWith('blob:')) URL.revokeObjectURL(found.preview);
    this.attachments = this.attachments.filter((each) => each.key !== key);
  }

  // Files first, as the models were trained. Null: one of the files couldn't be sent.
  async parts(): Promise<Part[] | null> {
    const sent = [...this.attachments]; // some may come or go while these arrive
    const infos = await Promise.all(sent.map((each) => each.arrival));
    if (infos.some((info) => info === null)) return null;
    const list: Part[] = infos.map((info) => ({ type: 'file', file_id: (info as FileInfo).id }));
    const kinds = sent.map(markedKind);
    numbered(kinds).forEach((number, i) => {
      const [kind, marks] = [kinds[i], sent[i]?.marks];
      if (kind && marks?.length) list.push({ type: 'text', text: marksText(kind, number, $state.snapshot(marks)) });
    });
    if (this.text.trim()) list.push({ type: 'text', text: this.text.trim() });
    return list;
  }

  // What was sent; what has been added since stays.
  sent(keys: number[]): void {
    for (const key of keys) this.remove(key);
  }
}

export const draft = new Draft();
