// Values in words: numbers, lengths of time, moments.

import type { Value } from "./wire";

const UNITS: [number, string][] = [
  [86400, "day"],
  [3600, "hour"],
  [60, "minute"],
  [1, "second"],
];

export function number(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e7) return value.toLocaleString("en-US");
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(3).replace("e+", "e");
  return String(Number(value.toPrecision(5)));
}

export function value(what: Value | undefined): string {
  if (what === undefined || what === null) return "";
  return typeof what === "number" ? number(what) : String(what);
}

/** A length of time by its two largest units: `3 m 20 s`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${whole % 60} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} m`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

export function ago(moment: number, now: number): string {
  const seconds = Math.max(0, now - moment);
  for (const [size, unit] of UNITS) {
    if (seconds >= size) {
      const count = Math.floor(seconds / size);
      return `${count} ${unit}${count === 1 ? "" : "s"} ago`;
    }
  }
  return "a moment ago";
}

export function count(many: number, one: string): string {
  return `${many.toLocaleString("en-US")} ${one}${many === 1 ? "" : "s"}`;
}

export function bytes(many: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let size = many;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit++;
  }
  return `${unit === 0 ? size : size.toFixed(size < 10 ? 1 : 0)} ${units[unit]}`;
}
