// Which document is shown, and which place in it. Citations in answers open it.
import { filesOf } from '../api/types';
import { fileUrl, send } from '../api/client';
import { files } from '../state/files.svelte';
import { thread } from '../state/thread.svelte';
import { toasts } from '../state/toasts.svelte';
import { isDocumentText } from './names';
import { citationOf, placesOf, rowsOf, type Citation } from './places';

export interface Shown {
  name: string;
  text: string;
  citation: Citation | null;
}

class Viewer {
  shown = $state.raw<Shown | null>(null);

  async open(id: string, name: string, citation: Citation | null = null): Promise<void> {
    try {
      this.shown = { name: isDocumentText(name) ? name.slice(0, -4) : name, text: await textOf(id), citation };
    } catch (error) {
      toasts.error(error);
    }
  }

  close(): void {
    this.shown = null;
  }

  // "page 3" of the newest document that has it.
  async cite(text: string): Promise<void> {
    const citation = citationOf(text);
    const ids = thread.path.flatMap((message) => filesOf(message.content));
    for (const id of [...new Set(ids)].reverse()) {
      const info = await files.find(id);
      if (!info || !isDocumentText(info.name)) continue;
      const place = placesOf(await textOf(id)).find((each) => each.name === citation.place);
      if (place && (!citation.cell || rowsOf(place.text).flat().some((cell) => cell.name === citation.cell))) return this.open(id, info.name, citation);
    }
    toasts.show(`No document of this conversation has ${text}.`);
  }
}

const texts = new Map<string, Promise<string>>();

function textOf(id: string): Promise<string> {
  const known = texts.get(id);
  if (known) return known;
  const text = send('GET', fileUrl(id)).then((response) => response.text());
  texts.set(id, text);
  text.catch(() => texts.delete(id));
  return text;
}

export const viewer = new Viewer();
