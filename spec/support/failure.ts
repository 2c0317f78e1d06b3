// Errors as values, checked for their class.

type ErrorClass<Failure> = new (...args: never[]) => Failure;

/** The error of class `type` that `promise` rejects with. */
export async function rejection<Failure extends Error>(
  promise: Promise<unknown>,
  type: ErrorClass<Failure>,
): Promise<Failure> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ("value" in outcome)
    throw new Error(`expected ${type.name}, but it fulfilled with ${String(outcome.value)}`);
  return asInstance(outcome.error, type);
}

/** The error of class `type` that `act` throws. */
export function thrown<Failure extends Error>(act: () => unknown, type: ErrorClass<Failure>): Failure {
  try {
    act();
  } catch (error) {
    return asInstance(error, type);
  }
  throw new Error(`expected ${type.name}, but nothing was thrown`);
}

function asInstance<Failure extends Error>(error: unknown, type: ErrorClass<Failure>): Failure {
  if (error instanceof type) return error;
  throw new Error(`expected ${type.name}, but it was ${String(error)}`, { cause: error });
}
