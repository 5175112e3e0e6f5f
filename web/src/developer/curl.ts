// A request as a line for a shell.
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

// `body`: its text, null: none, or none that can be shown. `needsKey`: the server asks who calls.
export function curlLine(url: string, method: string, body: string | null, needsKey: boolean, isStream = false): string {
  const parts = ['curl', ...(isStream ? ['-N'] : []), quoted(url)];
  if (method !== (body === null ? 'GET' : 'POST')) parts.push('-X', method);
  if (needsKey) parts.push('-H', '"Authorization: Bearer $MELETE_KEY"');
  if (body !== null) parts.push('-H', quoted('Content-Type: application/json'), '--data-raw', quoted(body));
  return parts.join(' ');
}
