// The text of a PDF by page, by pdf.js, which runs none of the scripts that a PDF may hold.
import type { Place } from './places';
import { DocumentError } from './zip';

const kMostPages = 2000;

export async function readPdf(bytes: Uint8Array<ArrayBuffer>): Promise<Place[]> {
  // In the thread that called: documents are read in a worker of their own already.
  const scope = globalThis as { pdfjsWorker?: unknown };
  scope.pdfjsWorker ??= await import('pdfjs-dist/legacy/build/pdf.worker.min.mjs');
  const { getDocument } = await import('pdfjs-dist/legacy/build/pdf.min.mjs');
  const loading = getDocument({ data: bytes, useWorkerFetch: false, useSystemFonts: false, disableFontFace: true, enableXfa: false, stopAtErrors: false, useWasm: false, verbosity: 0 });
  loading.onPassword = () => {
    throw new DocumentError('It is locked by a password.');
  };
  try {
    const document = await loading.promise;
    if (document.numPages > kMostPages) throw new DocumentError(`It has ${document.numPages} pages; ${kMostPages} are the most.`);
    const places: Place[] = [];
    for (let i = 1; i <= document.numPages; ++i) {
      const page = await document.getPage(i);
      const { items } = await page.getTextContent();
      places.push({ name: `page ${i}`, text: items.map((item) => (item.str ?? '') + (item.hasEOL ? '\n' : '')).join('') });
      page.cleanup();
    }
    return places;
  } catch (error) {
    if (error instanceof DocumentError) throw error;
    const { name = '', message = '' } = (error ?? {}) as { name?: string; message?: string };
    if (name === 'PasswordException' || /password/i.test(message)) throw new DocumentError('It is locked by a password.');
    throw new DocumentError(`It can’t be read as PDF: ${message.slice(0, 120)}`);
  } finally {
    void loading.destroy();
  }
}
