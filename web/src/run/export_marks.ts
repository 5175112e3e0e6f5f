// Marks as files: SVG and PNG with the picture in them, JSON with their places.
import { saveAs } from '../text/export';
import { drawnHere, type Drawn } from './geometry';
import type { Mark } from './run';

const colours = ['#b4412b', '#1f62ad', '#1d7a4b', '#8a5a00', '#8a3a9a', '#0f7480', '#a8336b', '#5a6412'];
const xml = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

function shapeSvg(shape: Drawn): string {
  const colour = colours[shape.index % colours.length] as string;
  const line = `fill="none" stroke="${colour}" stroke-width="9" stroke-linecap="round"`;
  const [bx, by] = shape.kind === 'point' ? [shape.x + 44, shape.y - 44] : [shape.x, shape.y];
  const body =
    shape.kind === 'box'
      ? `<rect x="${shape.x}" y="${shape.y}" width="${shape.x2 - shape.x}" height="${shape.y2 - shape.y}" rx="10" ${line}/>`
      : shape.kind === 'track'
        ? `<line x1="${shape.x}" y1="${shape.y}" x2="${shape.x2}" y2="${shape.y2}" ${line}/><circle cx="${shape.x2}" cy="${shape.y2}" r="20" fill="${colour}"/>`
        : `<circle cx="${shape.x}" cy="${shape.y}" r="52" ${line}/>`;
  return (
    `<g><title>${xml(shape.label)}</title>${body}<circle cx="${bx}" cy="${by}" r="32" fill="${colour}" stroke="#fff" stroke-width="6"/>` +
    `<text x="${bx}" y="${by + 14}" fill="#fff" font-family="sans-serif" font-size="42" font-weight="700" text-anchor="middle">${shape.index + 1}</text></g>`
  );
}

// `picture` as a data URL; empty: only the marks.
export function marksSvg(marks: (Mark | null)[], ratio: number, picture: string, isClip: boolean): string {
  const height = 1000 * ratio;
  const image = picture ? `<image href="${xml(picture)}" width="1000" height="${height}" preserveAspectRatio="none"/>` : '';
  const shapes = drawnHere(marks, ratio, isClip).map(shapeSvg).join('');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 ${height}" width="1000" height="${height}">${image}${shapes}</svg>`;
}

export function marksJson(marks: Mark[]): string {
  const all = marks.map(({ kind, label, on, at }) => ({
    kind,
    label,
    ...(on ? { on } : {}),
    ...(kind === 'box' ? { x_min: at[0], y_min: at[1], x_max: at[2], y_max: at[3] } : { x: at[0], y: at[1] }),
  }));
  return JSON.stringify({ unit: 'thousandths of width and height', marks: all }, null, 2);
}

async function dataUrl(url: string): Promise<string> {
  const blob = await (await fetch(url)).blob();
  return await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.onerror = () => reject(new Error('The picture can’t be read.'));
    reader.readAsDataURL(blob);
  });
}

// The frame that a clip shows now.
function frameUrl(video: HTMLVideoElement): string {
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext('2d')?.drawImage(video, 0, 0);
  return canvas.toDataURL('image/png');
}

async function rasterize(svg: string, ratio: number): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = 1000;
  canvas.height = Math.round(1000 * ratio);
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return await new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('The picture can’t be made.'))), 'image/png'));
}

export async function saveMarks(
  format: 'svg' | 'png' | 'json',
  marks: Mark[],
  here: (Mark | null)[], // those on this picture
  url: string | null,
  media: HTMLImageElement | HTMLVideoElement | undefined,
  name: string,
  isClip: boolean,
): Promise<void> {
  const base = `${name.replace(/\.[^.]*$/, '').replace(/[^\p{L}\p{N}_-]+/gu, '-') || 'picture'}-marks`;
  if (format === 'json') return saveAs(`${base}.json`, 'application/json', marksJson(marks));
  const isVideo = media instanceof HTMLVideoElement;
  const ratio = (isVideo ? media.videoHeight / media.videoWidth : (media?.naturalHeight ?? 1) / (media?.naturalWidth ?? 1)) || 1;
  const picture = isVideo ? frameUrl(media) : url ? await dataUrl(url) : '';
  const svg = marksSvg(here, ratio, picture, isClip);
  if (format === 'svg') saveAs(`${base}.svg`, 'image/svg+xml', svg);
  else saveAs(`${base}.png`, 'image/png', await rasterize(svg, ratio));
}
