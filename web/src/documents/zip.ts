// Reads the entries of a ZIP archive (PKWARE APPNOTE 6.3), within limits: nobody's archive fills the memory.
export class DocumentError extends Error {}

const kMostEntries = 4096;
const kMostEntryBytes = 64 << 20;
const kMostBytes = 160 << 20; // of all that is read

interface Entry {
  method: number;
  packed: Uint8Array;
}

export class Archive {
  private readonly entries = new Map<string, Entry>();
  private read = 0;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length > 8 && view.getUint32(0) === 0xd0cf11e0) throw new DocumentError('It is locked by a password, or of Office’s form before 2007; save it anew without one.');
    let end = bytes.length - 22;
    const first = Math.max(0, end - 65535);
    while (end >= first && view.getUint32(end, true) !== 0x06054b50) --end;
    if (end < first) throw new DocumentError('It isn’t whole: its directory is missing.');
    const count = view.getUint16(end + 10, true);
    let at = view.getUint32(end + 16, true);
    if (count > kMostEntries) throw new DocumentError(`It has more than ${kMostEntries} parts.`);
    for (let i = 0; i < count; ++i) {
      if (at + 46 > bytes.length || view.getUint32(at, true) !== 0x02014b50) throw new DocumentError('Its directory is broken.');
      const nameBytes = view.getUint16(at + 28, true);
      const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameBytes));
      const [flags, method, size, local] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)];
      at += 46 + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
      if (flags & 1) throw new DocumentError('It is locked by a password.');
      if (local + 30 > bytes.length || view.getUint32(local, true) !== 0x04034b50) throw new DocumentError('One of its parts isn’t where its directory says.');
      const data = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
      if (data + size > bytes.length) throw new DocumentError('It isn’t whole: one of its parts is cut.');
      this.entries.set(name.replace(/^\//, ''), { method, packed: bytes.subarray(data, data + size) });
    }
  }

  has(name: string): boolean {
    return this.entries.has(name);
  }

  // As text of UTF-8 (or UTF-16 with its mark). Throws if it is missing or too large.
  async text(name: string): Promise<string> {
    const entry = this.entries.get(name);
    if (!entry) throw new DocumentError(`It has no part ${name}.`);
    const bytes = entry.method === 0 ? entry.packed : await this.inflate(entry);
    this.count(entry.method === 0 ? bytes.length : 0);
    const isUtf16 = bytes.length > 1 && ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff));
    return new TextDecoder(isUtf16 ? (bytes[0] === 0xff ? 'utf-16le' : 'utf-16be') : 'utf-8').decode(bytes);
  }

  private count(bytes: number): void {
    this.read += bytes;
    if (this.read > kMostBytes) throw new DocumentError('Unpacked it is too large.');
  }

  private async inflate({ method, packed }: Entry): Promise<Uint8Array> {
    if (method !== 8) throw new DocumentError(`A part is packed in a way that isn’t known here (${method}).`);
    const reader = new Blob([packed as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader();
    const pieces: Uint8Array[] = [];
    let length = 0;
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        length += value.length;
        this.count(value.length);
        if (length > kMostEntryBytes) throw new DocumentError('Unpacked one of its parts is too large.');
        pieces.push(value);
      }
    } catch (error) {
      void reader.cancel().catch(() => {});
      if (error instanceof DocumentError) throw error;
      throw new DocumentError('One of its parts can’t be unpacked.');
    }
    const all = new Uint8Array(length);
    let at = 0;
    for (const piece of pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }
}
