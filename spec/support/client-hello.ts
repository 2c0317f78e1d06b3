// The first message of TLS (RFC 8446 §4.1.2), as far as it tells what a client was asked to offer.

export interface ClientHello {
  readonly ciphers: readonly number[];
  /** undefined where the extension is missing. */
  readonly serverName?: string;
  readonly groups?: readonly number[];
  readonly signatures?: readonly number[];
  readonly versions?: readonly number[];
  readonly protocols?: string;
}

/** Parses the message when all of it is there. */
export function parseClientHello(record: Buffer): ClientHello | undefined {
  if (record.length < 5 || record.length < 5 + record.readUInt16BE(3)) return undefined;
  let at = 5 + 4 + 2 + 32; // record, message, version, random
  const vector = (lengthBytes: 1 | 2) => {
    const length = record.readUIntBE(at, lengthBytes);
    at += lengthBytes + length;
    return record.subarray(at - length, at);
  };
  vector(1); // session id
  const ciphers = words(vector(2));
  vector(1); // compression
  const extensions = new Map<number, Buffer>();
  const length = record.readUInt16BE(at);
  at += 2;
  for (const end = at + length; at < end; ) {
    const type = record.readUInt16BE(at);
    at += 2;
    extensions.set(type, vector(2));
  }
  const part = (type: number, skip: number) => extensions.get(type)?.subarray(skip);
  const name = part(0, 5);
  const [groups, signatures, versions] = [part(10, 2), part(13, 2), part(43, 1)];
  const protocols = part(16, 2);
  return {
    ciphers,
    ...(name && { serverName: name.toString() }),
    ...(groups && { groups: words(groups) }),
    ...(signatures && { signatures: words(signatures) }),
    ...(versions && { versions: words(versions) }),
    ...(protocols && { protocols: protocols.toString("latin1") }),
  };
}

function words(bytes: Buffer): number[] {
  return Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readUInt16BE(2 * i));
}
