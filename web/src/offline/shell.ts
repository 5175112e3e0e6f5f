// The files that the app's page begins with, from what they say of each other.

// Paths of the scripts, styles and pictures that a page names, and of the fonts that its styles name.
export function filesOf(page: string, styles: string): string[] {
  const named = [...page.matchAll(/\b(?:src|href)="(\/assets\/[\w.-]+)"/g), ...styles.matchAll(/url\(["']?(\/assets\/[\w.-]+\.woff2)["']?\)/g)];
  return [...new Set(named.map((match) => match[1] as string))];
}

export const stylesOf = (files: string[]): string[] => files.filter((file) => file.endsWith('.css'));
