// All targets.

import { COSTS } from "./costs.ts";
import { FRAMES } from "./frames.ts";
import type { Target } from "./input.ts";
import { TALKS } from "./talks.ts";
import { TEXTS } from "./texts.ts";

export const TARGETS: readonly Target[] = [...FRAMES, ...TALKS, ...TEXTS, ...COSTS];
