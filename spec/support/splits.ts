// The ways of cutting the same bytes into chunks that a table's row runs through: whole, byte by byte, and at every place.

export interface Split {
  readonly title: string;
  readonly chunks: Uint8Array[];
}

/** Beyond so many bytes only some places are cut at: near both ends, and evenly between. */
const EVERY_PLACE = 300;

export function splits(bytes: Uint8Array): Split[] {
  const whole = { title: "whole", chunks: [bytes.slice()] };
  const single = { title: "byte by byte", chunks: Array.from(bytes, (byte) => Uint8Array.of(byte)) };
  const places = Array.from({ length: Math.max(0, bytes.length - 1) }, (_, i) => i + 1);
  const cut = places.filter(
    (at) => bytes.length <= EVERY_PLACE || at < 40 || at > bytes.length - 40 || at % 97 === 0,
  );
  return [
    whole,
    ...(bytes.length > 1 ? [single] : []),
    ...cut.map((at) => ({ title: `cut at ${at}`, chunks: [bytes.slice(0, at), bytes.slice(at)] })),
  ];
}
