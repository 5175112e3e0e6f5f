// Whether a text may have an artifact in it, before anything is loaded to find out.
export const mayHaveArtifact = (text: string): boolean => /(?:```|~~~)[ \t]*(?:html?|xhtml|svg|xml|js|javascript|artifact)\b/i.test(text);

// What the block of a template's data begins with, and the template of such a block; empty: it is none.
export const fenceOf = (template: string): string => `artifact ${template}`;
export const templateOfFence = (fence: string | undefined): string => /^artifact (\w+)$/.exec(fence ?? '')?.[1] ?? '';
