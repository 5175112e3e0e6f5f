// What is read aloud of an answer: its words, without Markdown and without what can't be said.
const kLongest = 260; // characters of a piece

export function spokenText(markdown: string): string {
  return markdown
    .replace(/```[\s\S]*?(```|$)/g, ' (code) ')
    .replace(/\$\$[\s\S]*?\$\$|\\\[[\s\S]*?\\\]/g, ' (a formula) ')
    .replace(/!\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/^[ \t|:-]*-[ \t|:-]*$/gm, ' ')
    .replace(/^[ \t]*(#{1,6}|>|[-*+]|\d+[.)])\s+/gm, '')
    .replace(/\|/g, ', ')
    .replace(/[*_`~$]+/g, '')
    .replace(/<\/?[a-z][^>]*>/gi, ' ')
    .replace(/[ \t]+/g, ' ')
    .trim();
}

// Sentences, so that the first is heard while the next are made.
export function sentencesOf(text: string): string[] {
  const sentences: string[] = [];
  for (const line of text.split(/\n+/))
    for (const sentence of line.split(/(?<=[.!?])\s+/)) {
      let rest = sentence.trim();
      while (rest.length > kLongest) {
        const cut = Math.max(rest.lastIndexOf(' ', kLongest), rest.lastIndexOf(', ', kLongest) + 1);
        sentences.push(rest.slice(0, cut > 0 ? cut : kLongest).trim());
        rest = rest.slice(cut > 0 ? cut : kLongest).trim();
      }
      if (/[\p{L}\p{N}]/u.test(rest)) sentences.push(rest);
    }
  return sentences;
}
