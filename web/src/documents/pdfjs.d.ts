// What is used of pdf.js, whose own types don't name these files.
declare module 'pdfjs-dist/legacy/build/pdf.worker.min.mjs';
declare module 'pdfjs-dist/legacy/build/pdf.min.mjs' {
  interface Page {
    getTextContent(): Promise<{ items: { str?: string; hasEOL?: boolean }[] }>;
    cleanup(): void;
  }
  interface Loading {
    promise: Promise<{ numPages: number; getPage(number: number): Promise<Page> }>;
    onPassword: () => void;
    destroy(): Promise<void>;
  }
  export function getDocument(options: Record<string, unknown>): Loading;
}
