// A run's colour, by its number alone, so that it stays whatever else is shown. Neighbours are a golden angle apart on the wheel.

const GOLDEN = 137.508;
const STEPS = [0, 8, -7];

export function isDark(): boolean {
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

export function colourOf(number: number, dark: boolean, alpha = 1): string {
  const hue = (number * GOLDEN + 150) % 360;
  const lightness = (dark ? 74 : 56) + (STEPS[Math.floor(number / 11) % STEPS.length] ?? 0);
  return `oklch(${lightness}% 0.15 ${hue.toFixed(1)} / ${alpha})`;
}
