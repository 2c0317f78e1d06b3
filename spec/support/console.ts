// What is printed to the console's error stream, caught.

/** What `act` prints with console.error. */
export async function printed(act: () => Promise<unknown>): Promise<unknown[]> {
  const lines: unknown[] = [];
  const { error } = console;
  console.error = (...line: unknown[]) => void lines.push(...line);
  try {
    await act();
  } finally {
    console.error = error;
  }
  return lines;
}
