// Which files become text here, and what their text is called.
export type DocumentKind = 'pdf' | 'docx' | 'xlsx';

export function documentKind(name: string): DocumentKind | null {
  const found = /\.(pdf|docx|xlsx|docm|xlsm)$/i.exec(name);
  return found ? (found[1]?.toLowerCase().replace('m', 'x') as DocumentKind) : null;
}

// Forms that people have and nothing here reads.
export const isForeign = (name: string): boolean => /\.(docx?|xlsx?|pptx?|odt|ods|odp|rtf|pages|numbers|epub)$/i.test(name) && !documentKind(name);

export const isDocumentText = (name: string): boolean => /\.(pdf|doc[xm]|xls[xm])\.txt$/i.test(name);
