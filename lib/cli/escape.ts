// Text that came from elsewhere, made harmless for a terminal: what would move the cursor, change colours or the title, answer
// on the keyboard's behalf, or turn the direction of writing is shown as an escape. Pure.

/** Controls but the tab, those of bidirectional text, line and paragraph separators, annotations, half characters. */
const HARMFUL = /(?!\t)[\p{Cc}\p{Cs}\p{Bidi_Control}\p{Zl}\p{Zp}\ufff9-\ufffb]/gu;

const NAMED: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r" };

/** In one line. */
export function escaped(text: string): string {
  return text.replace(HARMFUL, (character) => {
    const point = character.codePointAt(0) ?? 0;
    const digits = point.toString(16);
    return (
      NAMED[character] ?? (point < 0x100 ? `\\x${digits.padStart(2, "0")}` : `\\u${digits.padStart(4, "0")}`)
    );
  });
}

/** In as many lines as the text has. */
export function escapedLines(text: string): string[] {
  return text.split(/\r?\n/).map(escaped);
}

/** JSON in one line that is harmless too, and says the same. */
export function safeJson(value: unknown): string {
  const unit = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value).replace(HARMFUL, unit);
}
