// From a document to a file of its text; loaded when the first document is added.
import { scriptAddress } from '../offline/trusted';
import { documentKind } from './names';

const kMostBytes = 50_000_000;
const kMostTime = 60_000; // ms

function read(file: File, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const worker = new Worker(scriptAddress('documents'), { type: 'module' });
  return new Promise<string>((done, failed) => {
    const timer = setTimeout(() => failed(new Error(`Reading it takes longer than ${kMostTime / 1000} s.`)), kMostTime);
    worker.onmessage = ({ data }: MessageEvent<{ text?: string; failure?: string }>) => {
      if (data.text === undefined && data.failure === undefined) return; // pdf.js greets
      clearTimeout(timer);
      if (data.text !== undefined) done(data.text);
      else failed(new Error(data.failure));
    };
    worker.onerror = () => {
      clearTimeout(timer);
      failed(new Error('It can’t be read.'));
    };
    worker.postMessage({ kind: documentKind(file.name), name: file.name, bytes }, [bytes.buffer]);
  }).finally(() => worker.terminate());
}

// Throws what is wrong with it, for people.
export async function asText(file: File): Promise<File> {
  if (!documentKind(file.name)) throw new Error('Files of this kind can’t be read; save it as .pdf, .docx, .xlsx or text.');
  if (file.size > kMostBytes) throw new Error(`It is larger than ${kMostBytes / 1_000_000} MB.`);
  const text = await read(file, new Uint8Array(await file.arrayBuffer()));
  return new File([text], `${file.name}.txt`, { type: 'text/plain' });
}
