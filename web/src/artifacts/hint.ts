// Whether a text may have an artifact in it, before anything is loaded to find out.
export const mayHaveArtifact = (text: string): boolean => /(?:```|~~~)[ \t]*(?:html?|xhtml|svg|xml|js|javascript|artifact)\b/i.test(text);
