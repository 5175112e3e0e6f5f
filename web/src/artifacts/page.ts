// The page that an artifact is, as the frame runs it and as it is saved.
import type { Artifact } from './find';
import { filled, templateOf } from './templates';

// The policy of the frame, for pages that are opened from the disk later.
export const savedPolicy =
  "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:; media-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'";

const around = (head: string, body: string): string => `<!doctype html>\n<html lang="en"><head><meta charset="utf-8">${head}</head><body>\n${body}\n</body></html>\n`;

// Throws what is wrong with a template's data.
export async function pageOf(artifact: Artifact): Promise<string> {
  if (artifact.kind === 'template') return filled(await templateOf(artifact.template), artifact.source);
  if (artifact.kind === 'drawing') {
    const style = '<style>html,body{height:100%;margin:0}body{display:grid;place-items:center}svg{max-width:100%;max-height:100vh}</style>';
    return around(style, artifact.source.replace(/^\s*<\?xml[^>]*>/, ''));
  }
  if (artifact.kind === 'script') return around('', `<script>\n${artifact.source.replace(/<\/script/gi, '<\\/script')}\n</script>`);
  return artifact.source;
}

// The same with its policy, which must come before all that it holds back.
export function savedPage(page: string): string {
  const meta = `<meta http-equiv="Content-Security-Policy" content="${savedPolicy}">`;
  const doctype = /^\s*<!doctype[^>]*>/i.exec(page)?.[0] ?? '<!doctype html>';
  const rest = page.startsWith(doctype) ? page.slice(doctype.length) : page;
  return `${doctype}\n<meta charset="utf-8">${meta}${rest}`;
}
