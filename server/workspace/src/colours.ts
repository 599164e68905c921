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

/** The colour of a number between the least (0) and the most (1): from near the ground to far from it, so that it reads without its hue. */
export function rampOf(share: number, dark: boolean): string {
  const at = Math.min(Math.max(share, 0), 1);
  const lightness = dark ? 45 + at * 47 : 77 - at * 47;
  return `oklch(${lightness.toFixed(1)}% ${(0.09 + 0.06 * Math.sin(at * Math.PI)).toFixed(3)} ${(dark ? 290 - at * 190 : 100 + at * 190).toFixed(1)} / 1)`;
}

/** The same colour as `#rrggbb`, which every program reads; an alpha is left out. Of Björn Ottosson's definition of Oklab. */
export function plain(colour: string): string {
  const [lightness = 0, chroma = 0, hue = 0] = (colour.match(/^oklch\((.*?)(?: \/.*)?\)$/)?.[1] ?? "").split(" ").map(Number.parseFloat);
  if (!colour.startsWith("oklch(")) return colour;
  const a = chroma * Math.cos((hue * Math.PI) / 180);
  const b = chroma * Math.sin((hue * Math.PI) / 180);
  const l = (lightness / 100 + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness / 100 - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness / 100 - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  const parts = linear.map((part) => {
    const curved = part <= 0.0031308 ? 12.92 * part : 1.055 * part ** (1 / 2.4) - 0.055;
    return Math.round(Math.min(Math.max(curved, 0), 1) * 255).toString(16).padStart(2, "0");
  });
  return `#${parts.join("")}`;
}
