// permessage-deflate by node:zlib's streams (RFC 7692 §7.2), for a suite's peer: nothing of isosocket's.

import { constants, createDeflateRaw, createInflateRaw, type DeflateRaw, type InflateRaw } from "node:zlib";

/** What one direction was agreed to be. */
export interface Terms {
  readonly noContextTakeover: boolean;
  readonly windowBits: number;
}

const TAIL = Buffer.from([0, 0, 255, 255]);

/** Feeds a stream, and waits for all that comes of it. */
function through(stream: DeflateRaw | InflateRaw, bytes: Uint8Array, flush: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const out: Buffer[] = [];
    const take = (chunk: Buffer) => out.push(chunk);
    stream.on("data", take).once("error", reject);
    stream.write(bytes);
    stream.flush(flush, () => {
      stream.off("data", take).off("error", reject);
      resolve(Buffer.concat(out));
    });
  });
}

/** Both directions of a connection. */
export class PeerDeflate {
  readonly #out: Terms;
  readonly #in: Terms;
  #deflate: DeflateRaw | undefined;
  #inflate: InflateRaw | undefined;

  constructor(sends: Terms, receives: Terms) {
    this.#out = sends;
    this.#in = receives;
  }

  async compress(payload: Uint8Array): Promise<Uint8Array> {
    this.#deflate ??= createDeflateRaw({ windowBits: this.#out.windowBits });
    const packed = await through(this.#deflate, payload, constants.Z_SYNC_FLUSH);
    if (this.#out.noContextTakeover) {
      this.#deflate.close();
      this.#deflate = undefined;
    }
    return packed.subarray(0, packed.length - 4);
  }

  async decompress(packed: Uint8Array): Promise<Buffer> {
    this.#inflate ??= createInflateRaw({ windowBits: this.#in.windowBits });
    const plain = await through(this.#inflate, Buffer.concat([packed, TAIL]), constants.Z_SYNC_FLUSH);
    if (this.#in.noContextTakeover) {
      this.#inflate.close();
      this.#inflate = undefined;
    }
    return plain;
  }

  close(): void {
    this.#deflate?.close();
    this.#inflate?.close();
  }
}
