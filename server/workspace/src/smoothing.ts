// Smoothing of a series, under the names that W&B gives: pure functions of x and y. null stands for what is not finite and stays so.

export type Smoothing = "none" | "exponential" | "gaussian" | "average";

export const SMOOTHINGS: [Smoothing, string][] = [
  ["none", "No smoothing"],
  ["exponential", "Time weighted EMA"],
  ["gaussian", "Gaussian"],
  ["average", "Running average"],
];

type Numbers = readonly (number | null)[];

/**
 * Smooth y. amount: exponential from 0 to 1, the weight of what went before; gaussian and average the width in points, from 1 on.
 */
export function smooth(kind: Smoothing, amount: number, x: Numbers, y: Numbers): (number | null)[] {
  switch (kind) {
    case "exponential":
      return exponential(Math.min(Math.max(amount, 0), 0.9999), x, y);
    case "gaussian":
      return gaussian(Math.max(amount, 0), y);
    case "average":
      return average(Math.max(1, Math.round(amount)), y);
    case "none":
      return [...y];
  }
}

/** What went before counts less the longer ago it is: by the weight to the power of the distance, in mean distances; debiased. */
function exponential(weight: number, x: Numbers, y: Numbers): (number | null)[] {
  const known = x.filter((at): at is number => at !== null);
  const first = known[0];
  const last = known.at(-1);
  if (weight === 0 || first === undefined || last === undefined || known.length < 2) return [...y];
  const usual = (last - first) / (known.length - 1) || 1;
  let sum = 0;
  let weights = 0;
  let before: number | null = null;
  return y.map((value, index) => {
    const at = x[index] ?? null;
    if (value === null || at === null) return value;
    const kept = before === null ? 0 : weight ** Math.max(0, (at - before) / usual);
    sum = sum * kept + value;
    weights = weights * kept + 1;
    before = at;
    return sum / weights;
  });
}

function gaussian(width: number, y: Numbers): (number | null)[] {
  if (width === 0) return [...y];
  const reach = Math.ceil(3 * width);
  const weights = Array.from({ length: reach + 1 }, (_, distance) => Math.exp(-(distance ** 2) / (2 * width ** 2)));
  return y.map((value, index) => {
    if (value === null) return null;
    let sum = 0;
    let total = 0;
    for (let other = Math.max(0, index - reach); other <= Math.min(y.length - 1, index + reach); other++) {
      const near = y[other];
      if (near === null || near === undefined) continue;
      const weight = weights[Math.abs(other - index)] ?? 0;
      sum += near * weight;
      total += weight;
    }
    return sum / total;
  });
}

/** The mean of so many points that end here. */
function average(width: number, y: Numbers): (number | null)[] {
  const window: number[] = [];
  let sum = 0;
  return y.map((value) => {
    if (value === null) return null;
    window.push(value);
    sum += value;
    if (window.length > width) sum -= window.shift() ?? 0;
    return sum / window.length;
  });
}
