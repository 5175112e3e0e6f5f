// Reads one document, apart from the page: whatever is in it can neither hold the page up nor reach it.
import type { DocumentKind } from './names';
import { readDocument } from './read';
import { DocumentError } from './zip';

addEventListener('message', (event: MessageEvent<{ kind: DocumentKind; name: string; bytes: Uint8Array<ArrayBuffer> }>) => {
  const { kind, name, bytes } = event.data;
  readDocument(kind, name, bytes).then(
    (text) => postMessage({ text }),
    (error: unknown) => postMessage({ failure: error instanceof DocumentError ? error.message : 'It can’t be read: it is broken, perhaps.' }),
  );
});
