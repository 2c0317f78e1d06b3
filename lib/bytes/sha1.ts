// SHA-1 (RFC 3174), which the handshake's accept key needs (RFC 6455 §4.2.2). It is a checksum there, not a secret.
// Written out because the web's own digest is asynchronous and would make the handshake so; it takes 1.5 us.

/** The message schedule: of all calls, as each is done with it. */
const w = new Int32Array(80);

/** The 20-byte SHA-1 digest of `message`. */
export function sha1(message: Uint8Array): Uint8Array {
  const padded = pad(message);
  let [h0, h1, h2, h3, h4] = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
  for (let block = 0; block < padded.byteLength; block += 64) {
    // 1. The message schedule (RFC 3174 §6.1 a, b).
    for (let t = 0; t < 16; t++) w[t] = padded.getInt32(block + 4 * t);
    for (let t = 16; t < 80; t++) {
      w[t] = rotate(word(w, t - 3) ^ word(w, t - 8) ^ word(w, t - 14) ^ word(w, t - 16), 1);
    }
    // 2. Eighty rounds (§6.1 c, d).
    let [a, b, c, d, e] = [h0, h1, h2, h3, h4];
    for (let t = 0; t < 80; t++) {
      const turned = (rotate(a, 5) + mix(t, b, c, d) + e + word(w, t) + constantOf(t)) | 0;
      e = d;
      d = c;
      c = rotate(b, 30);
      b = a;
      a = turned;
    }
    // 3. Into the state (§6.1 e).
    h0 = (h0 + a) | 0;
    h1 = (h1 + b) | 0;
    h2 = (h2 + c) | 0;
    h3 = (h3 + d) | 0;
    h4 = (h4 + e) | 0;
  }
  const digest = new DataView(new ArrayBuffer(20));
  [h0, h1, h2, h3, h4].forEach((h, i) => {
    digest.setInt32(4 * i, h);
  });
  return new Uint8Array(digest.buffer);
}

/** The message, a 1 bit, zeros, and its length in bits as 64-bit integer, in whole blocks of 64 bytes (§4). */
function pad(message: Uint8Array): DataView {
  const bytes = new Uint8Array(Math.ceil((message.length + 9) / 64) * 64);
  bytes.set(message);
  bytes[message.length] = 0x80;
  const view = new DataView(bytes.buffer);
  view.setBigUint64(bytes.length - 8, BigInt(message.length) * 8n);
  return view;
}

function word(w: Int32Array, t: number): number {
  return w[t] as number;
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

/** The functions of RFC 3174 §5. */
function mix(t: number, b: number, c: number, d: number): number {
  if (t < 20) return (b & c) | (~b & d);
  if (t < 40 || t >= 60) return b ^ c ^ d;
  return (b & c) | (b & d) | (c & d);
}

function constantOf(t: number): number {
  if (t < 20) return 0x5a827999;
  if (t < 40) return 0x6ed9eba1;
  if (t < 60) return 0x8f1bbcdc;
  return 0xca62c1d6;
}
