// Where the memory of messages comes from: a runtime may have a way that is cheaper for much of it.

/** Makes so many bytes, with any content, in an ArrayBuffer of their own. */
export type Allocate = (bytes: number) => Uint8Array<ArrayBuffer>;

/** The way of the language. */
export const allocate: Allocate = (bytes) => new Uint8Array(bytes);
