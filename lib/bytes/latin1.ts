// Bytes as characters of the same number and back, as the heads of HTTP and base64 want them.

/** As many arguments as a call may safely have. */
const PART = 4096;

/**
 * One character for each byte. In one piece, not one by one: that would leave a tree of strings behind. `...bytes` would make
 * an object for each byte, and so take six times as long and ten times the memory.
 */
export function decodeLatin1(bytes: Uint8Array): string {
  if (bytes.length <= PART) return Reflect.apply(String.fromCharCode, null, bytes);
  let text = "";
  for (let at = 0; at < bytes.length; at += PART) text += decodeLatin1(bytes.subarray(at, at + PART));
  return text;
}

/** One byte for each character, all of which are to be below U+0100. */
export function encodeLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
